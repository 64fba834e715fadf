/**
 * The chart panel: which bars are held, when older ones are fetched, and what stands on them.
 *
 * In:  the view (instrument, timeframe, formula), bars from REST and the socket, all messages and fills.
 * Out: one redraw per frame of chart, table twin, readout and summary.
 */
import { ApiError, get, type Bar, type BarColumns, type Fill, type Instrument, type Message } from './api';
import type { View } from './address';
import { WIDTHS, holesOf, isKnown, merge, rowsOf, slotsOf, type Slot } from './bars';
import { CandleChart } from './chart';
import { CompletenessLine } from './completeness';
import { byId, element, number, setText } from './dom';
import { measured, secondsOf, utc } from './format';
import { Indicator } from './indicator';
import { placeMarks, type Mark } from './marks';
import { Panel, STALE_MS } from './panel';
import { drawTwin, wordsOf } from './twin';

const PAGE = 500;
const TWIN_WAIT_MS = 1000;

export class Candles {
  bars: Bar[] = [];
  marks: Mark[] = [];
  readonly indicator = new Indicator((values) => { this.chart.showIndicator(values); this.drawSoon(); });
  readonly panel = new Panel(byId('chart-panel'));
  readonly chart: CandleChart;
  private readonly completeness = new CompletenessLine();
  private slots: Slot[] = [];
  private view: View | null = null;
  private instrument: Instrument | null = null;
  private messages: readonly Message[] = [];
  private fills: readonly Fill[] = [];
  private load = 0;
  private paging = false;
  private pagingError = '';
  private noOlder = false;
  private follows = true;
  private heard: Bar | null = null;
  private waiting = false;
  private hovered: number | null = null;
  private twinDrawn = 0;

  constructor() {
    this.chart = new CandleChart(byId('chart'), {
      hover: (time) => { this.hovered = time; this.drawReadout(); },
      nearOldest: () => void this.page('older'),
      nearNewest: () => void this.page('newer'),
    });
    byId('to-now').addEventListener('click', () => this.toNow());
    byId('twin-button').addEventListener('click', () => this.toggleTwin());
  }

  /** Show another instrument, timeframe or formula. */
  async show(view: View, instrument: Instrument): Promise<void> {
    const sameBars = view.instrument === this.view?.instrument && view.timeframe === this.view.timeframe;
    this.view = { ...view };
    this.instrument = instrument;
    this.completeness.show(instrument.name, view.timeframe);
    this.indicator.choose(this.view);
    if (sameBars) return this.indicator.load(this.bars);
    this.bars = [];
    this.slots = [];
    this.indicator.clear();
    this.follows = true;
    this.heard = null;
    this.noOlder = false;
    this.chart.reset(instrument.price_decimals);
    this.panel.loading();
    await this.reload();
  }

  /** Fetch the newest page again and merge it; also the way back after a broken line. */
  async reload(): Promise<void> {
    const load = ++this.load;
    try {
      const bars = await this.fetchBars({});
      if (load !== this.load) return;
      this.take(this.joins(bars) ? merge(this.bars, bars) : bars);
      this.panel.touch();
      if (this.bars.length === 0) this.sayEmpty();
      await this.indicator.load(this.bars);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (load === this.load && this.bars.length === 0) this.panel.error(error.message, () => void this.reload());
    }
  }

  /** Bars from the socket. While looking at the past they are not held: paging fetches them later. */
  hear(bars: readonly Bar[]): void {
    this.panel.touch();
    this.heard = bars.at(-1) ?? this.heard;
    if (!this.follows) return;
    this.take(merge(this.bars, bars));
    if (bars.some((bar) => !bar.open_bar)) this.indicator.refreshSoon(this.bars);
  }

  setEvents(messages: readonly Message[], fills: readonly Fill[]): void {
    this.messages = messages;
    this.fills = fills;
    this.drawSoon();
  }

  toNow(): void {
    if (this.follows) this.chart.toNewest();
    else {
      this.bars = [];
      this.follows = true;
      void this.reload().then(() => this.chart.toNewest());
    }
  }

  toggleTwin(): void {
    const twin = byId('twin');
    twin.hidden = !twin.hidden;
    byId('twin-button').setAttribute('aria-pressed', String(!twin.hidden));
    this.twinDrawn = 0;
    this.drawSoon();
    if (!twin.hidden) twin.focus();
  }

  /** Once a second. Between two bars of a wide timeframe silence is no fault, unless the line itself is broken. */
  tick(lineIsOpen: boolean): void {
    this.panel.patienceMs = lineIsOpen ? STALE_MS + 2000 * this.width() : STALE_MS;
    this.panel.tick();
    this.completeness.tick();
  }

  private width(): number {
    return WIDTHS[this.view?.timeframe ?? ''] ?? 1;
  }

  private async fetchBars(more: Record<string, string>): Promise<Bar[]> {
    const { instrument, timeframe } = this.view!;
    const answer = await get<{ columns: BarColumns }>('bars', { instrument: instrument!, timeframe, limit: PAGE, ...more });
    return rowsOf(answer.columns);
  }

  /** Whether a fetched page touches the held bars; if not, it replaces them, so that no hole is invented. */
  private joins(bars: readonly Bar[]): boolean {
    const last = this.bars.at(-1);
    const first = bars[0];
    return last !== undefined && first !== undefined && secondsOf(first.open_ns) <= secondsOf(last.close_ns);
  }

  private async page(direction: 'older' | 'newer'): Promise<void> {
    const edge = direction === 'older' ? this.bars[0] : this.bars.at(-1);
    if (!edge || this.paging || (direction === 'older' ? this.noOlder : this.follows)) return;
    this.paging = true;
    const load = this.load;
    try {
      const widthNs = BigInt(this.width()) * 1_000_000_000n;
      // One bar more than is missing, so that no page border can lose one; merging holds each once.
      const before = direction === 'older' ? BigInt(edge.close_ns) : BigInt(edge.open_ns) + widthNs * BigInt(PAGE);
      const bars = await this.fetchBars({ before_ns: String(before) });
      if (load !== this.load) return;
      this.pagingError = '';
      if (direction === 'older') this.takeOlder(bars);
      else this.takeNewer(bars);
      await this.indicator.load(this.bars);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.pagingError = error.message;
      this.drawSoon();
      return;
    } finally {
      this.paging = false;
    }
    this.chart.watchEdges();
  }

  private takeOlder(bars: readonly Bar[]): void {
    const newest = this.bars.at(-1)!.open_ns;
    const merged = merge(this.bars, bars, 'oldest');
    this.noOlder = bars.length < PAGE || merged[0]!.open_ns === this.bars[0]!.open_ns;
    this.follows = merged.at(-1)!.open_ns === newest && this.follows;
    this.take(merged);
  }

  /** Once what is held touches what the socket says, the page follows it again; a hole wider than a page is jumped over. */
  private takeNewer(bars: readonly Bar[]): void {
    const last = this.bars.at(-1)!.open_ns;
    const merged = merge(this.bars, bars);
    const end = merged.at(-1)!;
    this.noOlder = false;
    if (end.open_ns === last) return this.toNow();
    this.take(merged);
    if (this.heard && secondsOf(this.heard.open_ns) <= secondsOf(end.close_ns) + this.width()) {
      this.follows = true;
      void this.reload();
    }
  }

  private take(bars: Bar[]): void {
    this.bars = bars;
    this.drawSoon();
  }

  private drawSoon(): void {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.draw(); });
  }

  private draw(): void {
    if (!this.instrument) return;
    if (this.bars.length > 0) this.panel.ready();
    this.slots = slotsOf(this.bars, this.width());
    const own = this.instrument.name;
    this.marks = placeMarks(this.messages.filter((m) => m.instrument === own), this.fills.filter((f) => f.instrument === own), this.slots, this.width());
    this.chart.showSlots(this.slots, this.width(), this.marks);
    byId('to-now').hidden = this.follows && this.chart.seesNewest();
    this.drawReadout();
    this.drawTwinSometimes();
  }

  private sayEmpty(): void {
    this.panel.empty(`No ${this.view?.timeframe} bars of ${this.view?.instrument} yet`, 'They come when the first interval has ended: `ninefold demo` or `ninefold up` fills this.');
  }

  private drawReadout(): void {
    const slot = this.slots.find(({ time }) => time === this.hovered) ?? this.slots.at(-1);
    const readout = byId('readout');
    if (!slot) return readout.replaceChildren();
    const { bar } = slot;
    const state = bar ? (bar.open_bar ? 'open' : bar.state) : 'missing';
    const parts: (Node | string)[] = [element('time', '', `${utc(slot.time)} UTC`), element('b', '', state)];
    if (bar && isKnown(slot)) {
      for (const [name, value] of [['O', bar.open], ['H', bar.high], ['L', bar.low], ['C', bar.close], ['V', bar.volume]] as const) {
        parts.push(element('span', 'nowrap', element('i', '', name), ' ', number(value ?? '?')));
      }
    }
    parts.push(element('span', 'nowrap', element('i', '', 'ind'), ' ', measured(this.indicator.values.get(slot.time) ?? null)));
    for (const mark of this.marks) if (mark.time === slot.time) parts.push(element('span', `tag ${mark.kind}`, wordsOf(mark)));
    if (this.pagingError) parts.push(element('span', 'failed', this.pagingError));
    readout.replaceChildren(...parts);
    setText(byId('chart-summary'), this.summary());
  }

  private summary(): string {
    const holes = holesOf(this.slots, this.width()).length;
    return `${this.view?.timeframe} candles of ${this.view?.instrument}: ${this.bars.length} bars, ${holes} gaps, ${this.marks.length} marks. `
      + 'Arrow keys move bar by bar, d shows the bars as a table.';
  }

  private drawTwinSometimes(): void {
    const twin = byId('twin');
    if (twin.hidden || performance.now() - this.twinDrawn < TWIN_WAIT_MS) return;
    this.twinDrawn = performance.now();
    drawTwin(twin, this.chart.inSight(), this.indicator.values, this.marks);
  }
}
