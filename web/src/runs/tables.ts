/** Tables of a document: the calendar, and any list of rows that a command made, whatever its columns are. */
import { element } from '../dom';
import type { Calendar, Figures, Period } from './data';
import { percent, valueText } from './figures';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const TITLES: Readonly<Record<string, string>> = { sensitivity: 'When something is changed', best: 'The best', left_out: 'Left out, and why', leaderboard: 'Leaderboard', folds: 'Folds', instruments: 'Each instrument of the portfolio' };
const LEFT_OUT = 'left_out';
const MOST_ROWS = 500;
/** From this return on a cell has its full tone. */
const FULL_TONE = 0.2;

export function drawCalendar({ months, weeks }: Calendar): HTMLElement | string {
  if (!months.length) return '';
  return element('section', 'calendar', element('h2', '', 'Months'), monthTable(months),
    element('p', 'muted', 'Each cell: what the run earned, and below it what the price did. A star: the bars do not cover all of it.'),
    element('details', 'more', element('summary', '', `Weeks (${weeks.length}, from Monday)`), weekTable(weeks)));
}

function monthTable(months: readonly Period[]): HTMLElement {
  const byName = new Map(months.map((month) => [month.period, month]));
  const years = [...new Set(months.map(({ period }) => period.slice(0, 4)))];
  const rows = years.map((year) => {
    const cells = MONTHS.map((_, i) => byName.get(`${year}-${String(i + 1).padStart(2, '0')}`));
    return element('tr', '', element('th', '', year), ...cells.map((month) => (month ? periodCell(month) : element('td'))), totalCell(cells.filter((month) => month !== undefined)));
  });
  const head = element('tr', '', ...['Year', ...MONTHS, 'Whole'].map((name) => element('th', '', name)));
  return element('div', 'scroll', element('table', 'months', element('caption', 'unseen', 'Returns by month'), element('thead', '', head), element('tbody', '', ...rows)));
}

function weekTable(weeks: readonly Period[]): HTMLElement {
  const rows = weeks.map((week) => element('tr', '', element('th', '', week.period + (week.whole ? '' : ' *')), toned(week.return), element('td', '', percent(week.price, true))));
  const head = element('tr', '', ...['Week of', 'Run', 'Price'].map((name) => element('th', '', name)));
  return element('div', 'scroll tall', element('table', 'weeks', element('caption', 'unseen', 'Returns by week'), element('thead', '', head), element('tbody', '', ...rows)));
}

function periodCell(month: Period): HTMLElement {
  const cell = toned(month.return);
  cell.append(element('small', '', percent(month.price, true, 1) + (month.whole ? '' : ' *')));
  return cell;
}

/** Returns of the months multiplied. */
function totalCell(months: readonly Period[]): HTMLElement {
  const product = (pick: (month: Period) => number | null): number | null => months.reduce<number | null>((all, month) => {
    const part = pick(month);
    return all === null || part === null ? null : all * (1 + part);
  }, 1);
  const [run, price] = [product((month) => month.return), product((month) => month.price)];
  const cell = toned(run === null ? null : run - 1);
  cell.append(element('small', '', price === null ? '-' : percent(price - 1, true, 1)));
  return cell;
}

/** A return with its sign, on a tone of its direction: the sign says it, the tone only helps the eye. */
export function toned(value: number | null): HTMLTableCellElement {
  const cell = element('td', value === null || value === 0 ? '' : value > 0 ? 'gain' : 'loss', percent(value, true));
  if (value) cell.style.setProperty('--tone', String(Math.round(6 + 34 * Math.min(1, Math.abs(value) / FULL_TONE))));
  return cell;
}

/** Lists of rows, and tables of tables, under their names; what was left out comes last. */
export function drawTables(of: Figures, without: readonly string[] = []): HTMLElement[] {
  const named = Object.entries(of).filter(([name]) => !without.includes(name));
  return named.sort(([a], [b]) => Number(a === LEFT_OUT) - Number(b === LEFT_OUT)).flatMap(([name, value]) => {
    const rows = rowsOf(value);
    return rows ? [element('section', 'rows', element('h2', '', TITLES[name] ?? name.replaceAll('_', ' ')), rowTable(rows))] : [];
  });
}

/** Rows of a list of objects, or of an object of objects, each with its name first; null of anything else. */
export function rowsOf(value: unknown): Figures[] | null {
  if (Array.isArray(value)) return value.length && value.every(isObject) ? value.map(flat) : null;
  if (!isObject(value) || !Object.keys(value).length || !Object.values(value).every(isObject)) return null;
  return Object.entries(value).map(([name, inner]) => ({ '': name.replaceAll('_', ' '), ...flat(inner as Figures) }));
}

function rowTable(rows: readonly Figures[]): HTMLElement {
  const names = [...new Set(rows.slice(0, MOST_ROWS).flatMap((row) => Object.keys(row)))];
  const numeric = new Set(names.filter((name) => rows.every((row) => typeof row[name] !== 'string')));
  const body = rows.slice(0, MOST_ROWS).map((row) => element('tr', '', ...names.map((name) => element('td', numeric.has(name) ? '' : 'text', name in row ? valueText(name, row[name]) : ''))));
  const table = element('table', '', element('thead', '', element('tr', '', ...names.map((name) => element('th', numeric.has(name) ? '' : 'text', name.replaceAll('_', ' '))))), element('tbody', '', ...body));
  const more = rows.length > MOST_ROWS ? [element('p', 'muted', `The first ${MOST_ROWS} of ${rows.length}; --json has all.`)] : [];
  return element('div', 'scroll tall', table, ...more);
}

/** A row whose tables of single values (`set`) have become columns. */
function flat(row: Figures): Figures {
  return Object.fromEntries(Object.entries(row).flatMap(([name, value]) => (isObject(value) ? Object.entries(value) : [[name, value]])));
}

export function isObject(value: unknown): value is Figures {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
