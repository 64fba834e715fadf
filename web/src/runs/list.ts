/**
 * All runs that are kept: a table, newest first, that sorts by any column.
 *
 * In:  what the API lists, how it is sorted. Out: rows; a click, or Enter on the chosen one, opens it; those that are marked
 *      can be compared.
 */
import { element, setText } from '../dom';
import { secondsOf, utc } from '../format';
import { LEAST_COMPARED, MOST_COMPARED } from './address';
import { completenessOf, dataOf } from './completeness';
import { fileOf, type Figures } from './data';
import { num, percent, ratio, valueText } from './figures';

export interface Listed { number: string; kind: string; known_ns: string; config: Figures; summary: Figures }
interface Column { name: string; title: string; text: (run: Listed) => string; order: (run: Listed) => number | string | null; words?: boolean; tip?: (run: Listed) => string; failed?: (run: Listed) => boolean }

const hold = (run: Listed): number | null => num((run.summary.buy_and_hold as Figures | undefined)?.return);
const setOf = ({ summary }: Listed): string => Object.entries((summary.set ?? {}) as Figures).map(([name, value]) => `${name}=${value}`).join(' ');
const marketOf = ({ config }: Listed): string => String(config.instrument ?? fileOf(config.bars) ?? '');
const settingsOf = (run: Listed): string => [run.summary.strategy ?? '', setOf(run)].join(' ').trim();
const lackingOf = ({ summary }: Listed): string | null => completenessOf(summary)?.lacking ?? null;
const day = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 10) : '-');
const figure = (name: string, title: string, form: (value: number | null) => string): Column => ({ name, title, text: ({ summary }) => form(num(summary[name])), order: ({ summary }) => num(summary[name]) });

const COLUMNS: readonly Column[] = [
  { name: 'number', title: 'Run', text: (run) => run.number, order: (run) => Number(run.number) },
  { name: 'when', title: 'Ran (UTC)', text: (run) => utc(secondsOf(run.known_ns)), order: (run) => run.known_ns.padStart(20, '0') },
  { name: 'kind', title: 'Kind', text: (run) => run.kind, order: (run) => run.kind, words: true },
  { name: 'strategy', title: 'Strategy', text: settingsOf, order: (run) => `${run.summary.strategy} ${setOf(run)}`, words: true, tip: settingsOf },
  { name: 'market', title: 'Market', text: marketOf, order: marketOf, words: true },
  { name: 'span', title: 'From, to', text: ({ summary }) => `${day(summary.from)} ${day(summary.to)}`, order: ({ summary }) => String(summary.from ?? ''), words: true },
  { name: 'data', title: 'Data', text: ({ summary }) => dataOf(summary), order: ({ summary }) => dataOf(summary), words: true, tip: (run) => [completenessOf(run.summary)?.said ?? '', lackingOf(run) ?? ''].join(' ').trim(), failed: (run) => lackingOf(run) !== null },
  figure('return', 'Return', (value) => percent(value, true)),
  { name: 'hold', title: 'Buy and hold', text: (run) => percent(hold(run), true), order: hold },
  figure('drawdown', 'Fall', (value) => percent(value)),
  figure('sharpe', 'Sharpe', ratio),
  figure('deflated_sharpe', 'Deflated', (value) => percent(value, false, 1)),
  figure('trials', 'Trials', (value) => valueText('', value)),
];

export interface Sorting { name: string; down: boolean }
export const NEWEST: Sorting = { name: 'number', down: true };

/** In order; what is not known comes last either way, and the newer of two that are equal first. */
export function sorted(runs: readonly Listed[], { name, down }: Sorting): Listed[] {
  const { order } = COLUMNS.find((column) => column.name === name) ?? COLUMNS[0]!;
  return [...runs].sort((a, b) => {
    const [mine, other] = [order(a), order(b)];
    if (mine === null || other === null) return Number(mine === null) - Number(other === null) || Number(b.number) - Number(a.number);
    return (mine < other ? -1 : mine > other ? 1 : 0) * (down ? -1 : 1) || Number(b.number) - Number(a.number);
  });
}

export class RunList {
  chosen = 0;
  private order: Listed[] = [];
  private marked: readonly string[] = [];
  private readonly rows = element('tbody');
  private readonly compareButton = element('button', 'plain');
  private readonly hint = element('span', 'muted');

  constructor(private readonly host: HTMLElement, private readonly open: (number: string) => void, private readonly sort: (sorting: Sorting) => void, private readonly compare: (numbers: string[]) => void) {
    this.compareButton.type = 'button';
    this.compareButton.addEventListener('click', () => this.compareMarked());
  }

  show(runs: readonly Listed[], sorting: Sorting): void {
    this.order = sorted(runs, sorting);
    const head = COLUMNS.map((column) => {
      const button = element('button', 'plain', column.title + (column.name === sorting.name ? (sorting.down ? ' \u2193' : ' \u2191') : ''));
      button.type = 'button';
      button.addEventListener('click', () => this.sort({ name: column.name, down: column.name === sorting.name ? !sorting.down : !column.words }));
      const cell = element('th', column.words ? 'text' : '', button);
      if (column.name === sorting.name) cell.setAttribute('aria-sort', sorting.down ? 'descending' : 'ascending');
      return cell;
    });
    this.rows.replaceChildren(...this.order.map((run, i) => this.row(run, i)));
    this.host.replaceChildren(element('p', 'compare-bar', this.compareButton, this.hint), element('table', '', element('caption', 'unseen', 'Runs that are kept'), element('thead', '', element('tr', '', ...head)), this.rows));
    this.mark(this.marked.filter((number) => runs.some((run) => run.number === number)));
    this.choose(0);
  }

  /** These are marked, and no others. */
  mark(numbers: readonly string[]): void {
    this.marked = numbers;
    for (const row of this.rows.querySelectorAll('tr')) row.querySelector('input')!.checked = numbers.includes(row.dataset.number!);
    this.compareButton.disabled = !this.comparable();
    this.compareButton.replaceChildren(numbers.length ? `Compare ${numbers.length} ${numbers.length > 1 ? 'runs' : 'run'} ` : 'Compare ', element('kbd', '', 'c'));
    setText(this.hint, this.comparable() ? 'beside each other, over one time' : `mark ${LEAST_COMPARED} to ${MOST_COMPARED} runs (x) to see them beside each other`);
  }

  toggleChosen(): void {
    const run = this.order[this.chosen];
    if (run) this.toggle(run.number);
  }

  compareMarked(): void {
    if (this.comparable()) this.compare([...this.marked].sort((a, b) => Number(a) - Number(b)));
  }

  private toggle(number: string): void {
    this.mark(this.marked.includes(number) ? this.marked.filter((other) => other !== number) : [...this.marked, number]);
  }

  private comparable(): boolean {
    return this.marked.length >= LEAST_COMPARED && this.marked.length <= MOST_COMPARED;
  }

  choose(place: number): void {
    this.chosen = Math.min(this.order.length - 1, Math.max(0, place));
    [...this.rows.children].forEach((row, i) => row.classList.toggle('chosen', i === this.chosen));
    this.rows.children[this.chosen]?.scrollIntoView({ block: 'nearest', inline: 'start' });
  }

  openChosen(): void {
    const run = this.order[this.chosen];
    if (run) this.open(run.number);
  }

  private row(run: Listed, place: number): HTMLElement {
    const cells = COLUMNS.map((column) => {
      const text = column.text(run);
      const tone = column.name === 'return' ? (text.startsWith('+') ? ' gain' : text.startsWith('\u2212') ? ' loss' : '') : '';
      const cell = element('td', (column.words ? 'text' : '') + tone + (column.failed?.(run) ? ' failed' : ''), text);
      cell.title = column.tip?.(run) ?? '';
      return cell;
    });
    const link = element('a', '', run.number);
    link.href = `?run=${encodeURIComponent(run.number)}`;
    link.addEventListener('click', (event) => { if (event.ctrlKey || event.metaKey) return; event.preventDefault(); });
    const mark = element('input');
    mark.type = 'checkbox';
    mark.setAttribute('aria-label', `Compare run ${run.number}`);
    const target = element('label', 'mark', mark);
    target.addEventListener('click', (event) => event.stopPropagation());
    mark.addEventListener('change', () => this.toggle(run.number));
    cells[0]!.replaceChildren(target, link);
    const row = element('tr', '', ...cells);
    row.dataset.number = run.number;
    row.addEventListener('click', (event) => { if (event.ctrlKey || event.metaKey) return; this.choose(place); this.openChosen(); });
    return row;
  }
}
