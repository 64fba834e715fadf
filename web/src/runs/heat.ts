/**
 * The map of a sweep: what each pair of two parameters came to.
 *
 * In:  `grid` of a document: `axes` (values by parameter, the last one running fastest) and a column of numbers a figure.
 * Out: a table with a tone and the number in each cell; where there are more than two parameters, the best over the others.
 */
import { element } from '../dom';
import type { Figures } from './data';
import { num, valueText } from './figures';
import { isObject } from './tables';

const FIRST = ['deflated_sharpe', 'sharpe', 'return', 'equity'];

export interface Grid { axes: [string, unknown[]][]; columns: [string, (number | null)[]][] }
export interface Cells { rows: unknown[]; columns: unknown[]; values: (number | null)[][]; best: [number, number] | null }

export function gridOf(of: Figures): Grid | null {
  const grid = of.grid;
  if (!isObject(grid) || !isObject(grid.axes)) return null;
  const axes = Object.entries(grid.axes).filter((axis): axis is [string, unknown[]] => Array.isArray(axis[1]));
  const points = axes.reduce((product, [, values]) => product * values.length, 1);
  const columns = Object.entries(grid).filter(([name, values]) => name !== 'axes' && Array.isArray(values) && values.length === points);
  return axes.length && columns.length ? { axes, columns: columns.map(([name, values]) => [name, (values as unknown[]).map(num)]) } : null;
}

/** Values by the first and second of two axes (one row if they are the same), the highest over all others. */
export function cellsOf({ axes }: Grid, values: readonly (number | null)[], down: number, across: number): Cells {
  const [rows, columns] = [down === across ? [''] : axes[down]![1], axes[across]![1]];
  const cells: (number | null)[][] = rows.map(() => columns.map(() => null));
  const strides = axes.map((_, axis) => axes.slice(axis + 1).reduce((product, [, those]) => product * those.length, 1));
  let best: Cells['best'] = null;
  values.forEach((value, point) => {
    const place = (axis: number): number => Math.floor(point / strides[axis]!) % axes[axis]![1].length;
    const [row, column] = [down === across ? 0 : place(down), place(across)];
    const known = cells[row]![column]!;
    if (value === null || (known !== null && known >= value)) return;
    cells[row]![column] = value;
    if (best === null || value > cells[best[0]]![best[1]]!) best = [row, column];
  });
  return { rows, columns, values: cells, best };
}

export function drawHeat(of: Figures): HTMLElement | string {
  const grid = gridOf(of);
  if (!grid) return '';
  const choice = element('select');
  choice.append(...grid.columns.map(([name]) => new Option(name.replaceAll('_', ' '), name)));
  choice.value = FIRST.find((name) => grid.columns.some(([known]) => known === name)) ?? grid.columns[0]![0];
  const host = element('div', 'scroll');
  const [down, across] = grid.axes.length > 1 ? [0, 1] : [0, 0];
  const draw = (): void => host.replaceChildren(heatTable(grid, choice.value, down, across));
  choice.addEventListener('change', draw);
  draw();
  const others = grid.axes.slice(2).map(([name]) => name);
  return element('section', 'heat-map', element('h2', '', 'Parameters'), element('label', '', 'Show ', choice), host,
    element('p', 'muted', `Darker is higher; the highest has a border.${others.length ? ` The best over all ${others.join(', ')}.` : ''}`));
}

function heatTable(grid: Grid, name: string, down: number, across: number): HTMLElement {
  const cells = cellsOf(grid, grid.columns.find(([known]) => known === name)![1], down, across);
  const all = cells.values.flat().filter((value) => value !== null);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const cell = (value: number | null, row: number, column: number): HTMLElement => {
    const drawn = element('td', cells.best?.[0] === row && cells.best[1] === column ? 'heat best' : 'heat', valueText(name, value));
    if (value !== null) drawn.style.setProperty('--tone', String(Math.round(high > low ? (60 * (value - low)) / (high - low) : 30)));
    return drawn;
  };
  const corner = down === across ? grid.axes[across]![0] : `${grid.axes[down]![0]} \u2193  ${grid.axes[across]![0]} \u2192`;
  const head = element('tr', '', element('th', '', corner), ...cells.columns.map((value) => element('th', '', String(value))));
  const rows = cells.values.map((row, i) => element('tr', '', element('th', '', String(cells.rows[i])), ...row.map((value, j) => cell(value, i, j))));
  return element('table', 'heats', element('caption', 'unseen', `${name} by parameter`), element('thead', '', head), element('tbody', '', ...rows));
}
