/**
 * One run: its figures, its picture, its calendar, its trades, and every table it made.
 *
 * In:  a source, what the address says (stretch in sight, chosen trade). Out: the view in the page; what it shows now.
 */
import { element, number } from '../dom';
import { secondsOf, utc } from '../format';
import { gapRowsOf } from './completeness';
import { fileOf, type Source } from './data';
import { drawFigures, money, percent } from './figures';
import { Frame } from './frame';
import { drawHeat } from './heat';
import { RunPlot, type Pointed } from './plot';
import { drawCalendar, drawTables } from './tables';
import { TradeTable } from './trades';
import { drawTwin } from './twin';

export interface Shown { from: number | null; to: number | null; trade: string | null }

export class RunView {
  readonly plot: RunPlot | null = null;
  readonly trades: TradeTable | null = null;
  private readonly frame = new Frame('Candles, equity and falls', 'Whole run', [
    element('p', 'muted legend-line', 'hollow blue candle: up \u00b7 filled orange: down \u00b7 \u25b2 below: bought \u00b7 \u25bc above: sold \u00b7 a number: so many fills \u00b7 dashed: the chosen trade \u00b7 a candle is named by its opening time, UTC'),
    element('p', 'muted', 'Wheel or + \u2212: closer and farther; drag or arrows: along; d: the candles in sight as a table.'),
  ], { showAll: () => this.plot?.showAll(), twinOpened: () => this.summarize() });
  readonly picture = this.frame.picture;

  constructor(root: HTMLElement, readonly source: Source, shown: Shown, private readonly onShown: (shown: Shown) => void) {
    const { head } = source;
    const hasTrades = head.trades > 0 || 'trades' in head.document || 'open_trade' in head.document;
    root.replaceChildren(heading(source), drawFigures(head), ...drawTables({ sensitivity: head.document.sensitivity }), drawHeat(head.document));
    if (source.span && (hasTrades || head.calendar.months.length)) {
      root.append(this.frame.root);
      this.plot = new RunPlot(this.picture, source, {
        pointed: (at) => this.point(at),
        moved: () => this.tell(),
        failed: (words) => this.frame.failed(words),
        drawn: () => this.summarize(),
      });
      if (shown.from !== null && shown.to !== null) this.plot.show({ from: shown.from, to: shown.to });
    }
    if (hasTrades) {
      this.trades = new TradeTable(source, () => this.plot?.rows?.candles.decimals ?? 2, (trade) => { this.plot?.choose(trade); this.tell(); });
      root.append(this.trades.root);
      void this.trades.show(shown.trade);
    }
    root.append(drawCalendar(head.calendar), ...drawTables({ ...head.document, known_gaps: gapRowsOf(head.document) }, ['sensitivity']));
  }

  toggleTwin(): void {
    this.frame.toggleTwin();
  }

  private tell(): void {
    const part = this.plot?.part ?? null;
    this.onShown({ from: part?.from ?? null, to: part?.to ?? null, trade: this.trades?.chosen?.number ?? null });
  }

  private point(at: Pointed | null): void {
    const decimals = this.plot?.rows?.candles.decimals ?? 2;
    if (!at) return this.frame.readout.replaceChildren();
    const parts: (Node | string)[] = [element('time', '', `${utc(at.time)} UTC`)];
    (['O', 'H', 'L', 'C'] as const).forEach((name, i) => parts.push(element('span', 'nowrap', element('i', '', name), ' ', at.candle ? number(at.candle[i]!.toFixed(decimals)) : '?')));
    if (at.equity !== null) parts.push(element('span', 'nowrap', element('i', '', 'equity'), ' ', number(money(at.equity))));
    if (at.fall !== null) parts.push(element('span', 'nowrap', element('i', '', 'below its best'), ' ', percent(at.fall)));
    this.frame.readout.replaceChildren(...parts);
  }

  private summarize(): void {
    const rows = this.plot?.rows;
    if (!rows) return;
    const { from, to } = this.plot!.sight;
    this.frame.tell(`${rows.candles.timeframe} candles, ${utc(from)} to ${utc(to)} UTC, ${this.plot!.marks.length} marks of fills in sight; d shows them as a table.`,
      `${from} ${to} ${rows.from} ${rows.candles.timeframe}`, (host) => drawTwin(host, rows.candles, rows.equity, from, to));
  }
}

function heading({ head }: Source): HTMLElement {
  const { document: of, config } = head;
  const settings = Object.entries((of.set ?? {}) as Record<string, unknown>).map(([name, value]) => `${name}=${value}`).join(' ');
  const market = [config.instrument, fileOf(config.bars), of.instrument].find((name) => typeof name === 'string');
  const span = typeof of.from === 'string' && typeof of.to === 'string' ? `${of.from.slice(0, 10)} to ${of.to.slice(0, 10)}` : '';
  const facts = [market, typeof of.bars === 'number' ? `${of.bars} bars` : null, of.timeframe ? `of ${of.timeframe}` : null, span, `run at ${utc(secondsOf(head.known_ns))} UTC`];
  return element('header', 'run-head', element('h1', '', [String(of.strategy ?? head.kind), settings].filter(Boolean).join(' ')), element('p', 'muted', `${head.kind}, run ${head.number} \u00b7 ${facts.filter(Boolean).join(' \u00b7 ')}`));
}
