/**
 * Two to eight runs beside each other: what differs in their settings, their figures, their equity and falls over one time.
 *
 * In:  the runs as the API compares them, the stretch in sight. Out: the view in the page; what it shows now.
 */
import { element, number, setText } from '../dom';
import { svgElement } from '../glyphs';
import { utc } from '../format';
import { figuresOf, nameOf, settingsOf, spanOf, strokeOf, valueAt, type Compared, type Curve, type Row } from './compared';
import { ComparePlot } from './compareplot';
import { percent } from './figures';
import { Frame } from './frame';
import type { Shown } from './run';

const MOST_ROWS = 500;

export class CompareView {
  readonly plot: ComparePlot | null = null;
  private readonly frame = new Frame('Equity and falls', 'All of the time', [
    element('p', 'muted legend-line', 'each line begins at 0 where its run begins; dotted: buy and hold of the market, before costs; the number at its end names it'),
    element('p', 'muted', 'Wheel or + \u2212: closer and farther; drag or arrows: along; j k: one line thick; Enter: that run; d: as a table.'),
  ], { showAll: () => this.plot?.showAll(), twinOpened: () => this.summarize() });
  readonly picture = this.frame.picture;
  private readonly legend = element('ul', 'compared');
  private readonly values = new Map<string, HTMLElement>();

  constructor(root: HTMLElement, private readonly numbers: readonly string[], private readonly found: Compared, shown: Omit<Shown, 'trade'>, private readonly onShown: (shown: Shown) => void, private readonly open: (run: string) => void) {
    const { runs, curves, markets } = found;
    root.replaceChildren(element('header', 'run-head', element('h1', '', `${runs.length} runs compared`), alikeText(found)));
    this.legend.append(...runs.map((run, place) => this.entry(run.number, nameOf(run), place)), ...markets.map((market) => this.heldEntry(market)));
    if (!spanOf(curves)) {
      root.append(this.table(), element('p', 'muted', 'None of these runs has an equity curve over the bars of one market.'));
      return;
    }
    root.append(this.frame.root, this.table());
    this.picture.before(this.legend);
    this.plot = new ComparePlot(this.picture, numbers, found, {
      pointed: (at) => this.point(at),
      moved: () => this.tell(),
      failed: (words) => this.frame.failed(words),
      drawn: () => this.summarize(),
    });
    if (shown.from !== null && shown.to !== null) this.plot.show({ from: shown.from, to: shown.to });
  }

  toggleTwin(): void {
    this.frame.toggleTwin();
  }

  /** The next run's line is thick, or that of the one before; beyond the ends none is. */
  step(by: number): void {
    const places = this.numbers.length + 1;
    const place = (this.numbers.indexOf(this.plot?.chosen ?? '') + 1 + by + places) % places;
    this.plot?.choose(this.numbers[place - 1] ?? null);
    [...this.legend.children].forEach((entry, i) => entry.classList.toggle('chosen', i === place - 1));
  }

  openChosen(): void {
    if (this.plot?.chosen) this.open(this.plot.chosen);
  }

  private entry(run: string, name: string, place: number): HTMLElement {
    const value = element('span', 'value');
    this.values.set(run, value);
    return element('li', '', swatch(place), this.link(run), element('span', '', name), value);
  }

  private heldEntry({ runs }: Curve): HTMLElement {
    const value = element('span', 'value');
    this.values.set(heldKey(runs), value);
    const whose = runs.length === this.numbers.length ? '' : ` (${runs.join(', ')})`;
    return element('li', '', swatch(null), element('span', '', `buy and hold${whose}`), value);
  }

  private link(run: string): HTMLElement {
    const link = element('a', '', run);
    link.href = `?run=${encodeURIComponent(run)}`;
    link.addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      this.open(run);
    });
    return link;
  }

  private table(): HTMLElement {
    const { runs } = this.found;
    const { differing } = settingsOf(runs);
    const head = runs.map((run, place) => element('th', '', swatch(place), ' ', this.link(run.number)));
    const group = (name: string): HTMLElement => {
      const cell = element('th', 'group-name', name);
      cell.colSpan = runs.length + 1;
      return element('tr', '', cell);
    };
    const body = [group(differing.length ? 'Settings that differ' : 'All settings are the same'), ...differing.map((row) => tableRow(row, true)), group('Figures'), ...figuresOf(runs).map((row) => tableRow(row))];
    return element('section', 'rows', element('div', 'scroll', element('table', 'beside-each-other', element('caption', 'unseen', 'Settings that differ, and figures, of each run'), element('thead', '', element('tr', '', element('th', '', 'Run'), ...head)), element('tbody', '', ...body))));
  }

  private tell(): void {
    const part = this.plot?.part ?? null;
    this.onShown({ from: part?.from ?? null, to: part?.to ?? null, trade: null });
  }

  /** Values where the pointer is; without one where each ends within sight. */
  private point(at: number | null): void {
    const { rows, sight } = this.plot!;
    setText(this.frame.readout, at === null ? 'each at its end' : `${utc(at)} UTC`);
    const say = (key: string, curve: Curve): void => {
      const found = valueAt(curve, at ?? Math.min(curve.to, sight.to));
      setText(this.values.get(key)!, found ? valueText(found) : '-');
    };
    for (const curve of rows?.curves ?? []) say(curve.runs[0]!, curve);
    for (const market of rows?.markets ?? []) say(heldKey(market.runs), market);
  }

  private summarize(): void {
    const rows = this.plot?.rows;
    if (!rows) return;
    const { from, to } = this.plot!.sight;
    this.frame.tell(`Equity of ${rows.curves.length} runs as parts of their starts, ${utc(from)} to ${utc(to)} UTC; d shows it as a table.`,
      `${from} ${to} ${rows.from} ${rows.px}`, (host) => drawTwin(host, rows, from, to));
  }
}

const heldKey = (runs: readonly string[]): string => `hold ${runs.join(',')}`;
const valueText = ({ last, fall }: { last: number; fall: number }): string => `${percent(last - 1, true)}, ${percent(fall)} below`;

function alikeText({ runs }: Compared): HTMLElement {
  const { alike } = settingsOf(runs);
  return element('p', 'muted', alike.length ? `The same for all: ${alike.map(([name, text]) => `${name.replaceAll('_', ' ')} ${text}`).join(' \u00b7 ')}` : '');
}

function tableRow([name, texts]: Row, words = false): HTMLElement {
  const tone = (text: string): string => (name !== 'return' ? '' : text.startsWith('+') ? 'gain' : text.startsWith('\u2212') ? 'loss' : '');
  return element('tr', '', element('th', '', name.replaceAll('_', ' ')), ...texts.map((text) => element('td', words ? '' : tone(text), words ? text : number(text))));
}

/** The line of a run by its place, or of buy and hold, as it is drawn. */
function swatch(place: number | null): SVGElement {
  const { colour, dash } = place === null ? { colour: 'text', dash: [1, 3] } : strokeOf(place);
  const svg = svgElement('svg', { viewBox: '0 0 26 8', width: '26', height: '8', class: 'swatch', 'aria-hidden': 'true' });
  const path = svgElement('path', { d: 'M0 4h26', 'stroke-dasharray': dash.join(' ') || 'none' });
  path.style.setProperty('stroke', `var(--${colour})`);
  svg.append(path);
  return svg;
}

/** The table twin (key `d`): moments in sight, newest first, with what each run was worth and how far below its best. */
function drawTwin(host: HTMLElement, { curves, markets }: Compared, from: number, to: number): void {
  const lines = [...curves, ...markets];
  const step = Math.max(...lines.map(({ width }) => width), (to - from) / MOST_ROWS);
  const body: HTMLElement[] = [];
  for (let at = Math.floor(to / step) * step; at >= from; at -= step) {
    const cells = lines.map((curve) => valueAt(curve, at));
    if (cells.some((cell) => cell !== null)) body.push(element('tr', '', element('td', '', utc(at)), ...cells.map((cell) => element('td', '', cell ? valueText(cell) : '-'))));
  }
  const names = [...curves.map(({ runs }) => `Run ${runs[0]!}`), ...markets.map(({ runs }) => heldKey(runs))];
  host.replaceChildren(element('table', '', element('caption', 'unseen', 'Runs at the moments in sight, newest first'), element('thead', '', element('tr', '', ...['At (UTC)', ...names].map((name) => element('th', '', name)))), element('tbody', '', ...body)));
}
