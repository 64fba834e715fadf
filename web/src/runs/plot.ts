/**
 * The picture of a run: candles with its fills, equity, and what it fell below its best, over one axis of time.
 *
 * In:  a source of rows, the stretch of time in sight, the trade that is chosen.
 * Out: pixels; and calls: what the pointer is on, that another stretch is in sight.
 *
 * Rows come for the stretch in sight and as much on either side, as many as pixels can show; while others are on the way, the
 * old ones stay. Time is true to scale: a hole is as wide as it lasted.
 */
import { ApiError } from '../api';
import { colours } from '../theme';
import type { Candles, EquityLine, Source, Trade } from './data';
import { placeOf, secondsOfIso } from './data';
import { drawCandles, drawEquity, drawFalls, drawMark, drawTimeAxis, drawValueAxis, line, type Pen } from './draw';
import { placed, type Placed } from './marks';
import { scaleOf, timeTicks, yOf, type Scale } from './scale';

const [AXIS_PX, FOOT_PX, GAP_PX, TIME_GAP_PX, SMALLEST_BARS] = [78, 22, 22, 110, 12];
const MARKS_ROOM = 0.14;
const PARTS = { price: 0.6, equity: 0.24, fall: 0.16 };

export interface Sight { from: number; to: number }
export interface Pointed { time: number; candle: [number, number, number, number] | null; equity: number | null; fall: number | null }
interface Rows extends Sight { px: number; candles: Candles; equity: EquityLine | null }
export interface PlotEvents { pointed(at: Pointed | null): void; moved(sight: Sight): void; failed(words: string): void; drawn(): void }

export class RunPlot {
  sight: Sight;
  rows: Rows | null = null;
  marks: Placed[] = [];
  private readonly canvas = document.createElement('canvas');
  private readonly whole: Sight;
  private chosen: Trade | null = null;
  private pointer: { x: number; y: number } | null = null;
  private asking = false;
  private waiting = false;

  constructor(private readonly host: HTMLElement, private readonly source: Source, private readonly events: PlotEvents) {
    const [from, to] = source.span!;
    this.whole = { from, to };
    this.sight = { ...this.whole };
    host.replaceChildren(this.canvas);
    new ResizeObserver(() => this.drawSoon()).observe(host);
    this.listen();
  }

  /** Show another stretch, kept within the run. */
  show(sight: Sight): void {
    const smallest = (this.rows?.candles.width ?? 1) > 60 ? 60 * SMALLEST_BARS : SMALLEST_BARS;
    const length = Math.min(this.whole.to - this.whole.from, Math.max(smallest, sight.to - sight.from));
    const from = Math.min(Math.max(sight.from, this.whole.from), this.whole.to - length);
    this.sight = { from, to: from + length };
    this.events.moved(this.sight);
    this.drawSoon();
  }

  showAll(): void {
    this.show(this.whole);
  }

  /** Draw a trade as a line from its entry to its exit, and bring it into sight if it is not. */
  choose(trade: Trade | null): void {
    this.chosen = trade;
    if (trade) {
      const [from, to] = [secondsOfIso(trade.entry_time), trade.exit_time === null ? this.whole.to : secondsOfIso(trade.exit_time)];
      const length = this.sight.to - this.sight.from;
      const seen = from >= this.sight.from && to <= this.sight.to && to - from > length / 40;
      const wanted = Math.max(3 * (to - from), 80 * (this.source.head.trades ? this.finest() : 1));
      if (!seen) this.show({ from: (from + to - wanted) / 2, to: (from + to + wanted) / 2 });
    }
    this.drawSoon();
  }

  pan(part: number): void {
    const by = (this.sight.to - this.sight.from) * part;
    this.show({ from: this.sight.from + by, to: this.sight.to + by });
  }

  /** factor below 1 is closer; `at` (0 to 1) stays where it is. */
  zoom(factor: number, at = 0.5): void {
    const length = this.sight.to - this.sight.from;
    const still = this.sight.from + length * at;
    this.show({ from: still - length * factor * at, to: still + length * factor * (1 - at) });
  }

  /** One candle to the left or right under the pointer. */
  step(by: number): void {
    const rows = this.rows;
    if (!rows?.candles.time.length) return;
    const now = this.pointer ? this.timeOf(this.pointer.x) : (this.sight.from + this.sight.to) / 2;
    const place = Math.min(rows.candles.time.length - 1, Math.max(0, placeOf(rows.candles.time, now) + by));
    this.pointer = { x: this.xOf(rows.candles.time[place]! + rows.candles.width / 2), y: -1 };
    this.drawSoon();
  }

  drawSoon(): void {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.ask(); this.draw(); });
  }

  xOf = (time: number): number => ((time - this.sight.from) / (this.sight.to - this.sight.from)) * this.room();

  private timeOf(x: number): number {
    return this.sight.from + (x / this.room()) * (this.sight.to - this.sight.from);
  }

  private room(): number {
    return Math.max(60, this.host.clientWidth - AXIS_PX);
  }

  /** Seconds of the finest candles seen so far. */
  private finest(): number {
    return Math.min(60, this.rows?.candles.width ?? 60);
  }

  private ask(): void {
    const { from, to } = this.sight;
    const [length, px, rows] = [to - from, this.room(), this.rows];
    const fits = rows && from >= rows.from && to <= rows.to && rows.px / (rows.to - rows.from) > 0.8 * (px / length) && rows.px / (rows.to - rows.from) < 1.6 * (px / length);
    const edges = rows && (rows.from <= this.whole.from || from - length / 4 >= rows.from) && (rows.to >= this.whole.to || to + length / 4 <= rows.to);
    if (this.asking || (fits && edges)) return;
    this.asking = true;
    const [first, last] = [Math.max(this.whole.from, from - length), Math.min(this.whole.to, to + length)];
    const wide = (px * (last - first)) / length;
    void Promise.all([this.source.candles(first, last, wide), this.source.equity(first, last, wide)])
      .then(([candles, equity]) => { this.rows = { from: first, to: last, px: wide, candles, equity }; this.asking = false; this.drawSoon(); })
      .catch((error: unknown) => {
        this.asking = false;
        if (!(error instanceof ApiError)) throw error;
        this.events.failed(error.message);
      });
  }

  private draw(): void {
    const [width, height, ratio] = [this.host.clientWidth, this.host.clientHeight, window.devicePixelRatio || 1];
    if (!width || !height) return;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      [this.canvas.width, this.canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    }
    const context = this.canvas.getContext('2d')!;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = '12px system-ui, sans-serif';
    if (this.rows) this.drawRows({ context, colours: colours(), xOf: this.xOf, left: 0, right: this.room() }, this.rows, height);
    this.events.drawn();
  }

  private drawRows(pen: Pen, { candles, equity }: Rows, height: number): void {
    const bottom = height - FOOT_PX;
    const room = bottom - (equity ? 3 : 1) * GAP_PX;
    const tall = equity ? PARTS : { price: 1, equity: 0, fall: 0 };
    const price = scaleOf(this.seen(candles, [candles.low, candles.high]), GAP_PX, room * tall.price, MARKS_ROOM);
    drawTimeAxis(pen, timeTicks(this.sight.from, this.sight.to, ((this.sight.to - this.sight.from) / this.room()) * TIME_GAP_PX), bottom);
    drawValueAxis(pen, price, (value) => value.toFixed(candles.decimals));
    this.title(pen, `Price, ${candles.timeframe} candles`, 0);
    this.clipped(pen, price, () => drawCandles(pen, candles, price));
    this.drawFills(pen, candles, price);
    if (equity) {
      const money = scaleOf(this.seen(equity, [equity.low, equity.high]), price.top + price.height + GAP_PX, room * tall.equity);
      drawValueAxis(pen, money, (value) => value.toFixed(Math.abs(money.high - money.low) < 10 ? 2 : 0));
      this.title(pen, 'Equity, quote', money.top - GAP_PX);
      this.clipped(pen, money, () => drawEquity(pen, equity, money));
      const water = scaleOf([0, ...this.seen(equity, [equity.fall.map((fall) => -fall)])], money.top + money.height + GAP_PX, room * tall.fall);
      drawValueAxis(pen, water, (value) => `${(value * 100).toFixed(water.high - water.low < 0.02 ? 2 : 0).replace('-', '\u2212')} %`);
      this.title(pen, 'Below its best so far', water.top - GAP_PX);
      this.clipped(pen, water, () => drawFalls(pen, equity, water));
    }
    this.drawPointer(pen, candles, equity, bottom);
  }

  /** Values of the rows in sight. */
  private *seen(rows: { time: number[]; width: number }, columns: readonly number[][]): Generator<number> {
    const [first, last] = [Math.max(0, placeOf(rows.time, this.sight.from)), placeOf(rows.time, this.sight.to)];
    for (const column of columns) for (let i = first; i <= last; i++) if (!Number.isNaN(column[i]!)) yield column[i]!;
  }

  private drawFills(pen: Pen, candles: Candles, scale: Scale): void {
    if (this.chosen) this.drawChosen(pen, this.chosen, scale, candles.width);
    const inSight = candles.marks.filter(({ time }) => time + candles.width >= this.sight.from && time <= this.sight.to);
    this.marks = placed(inSight, (time) => this.xOf(time + candles.width / 2), this.room());
    for (const mark of this.marks) {
      const row = placeOf(candles.time, mark.time);
      const edge = mark.side === 'buy' ? candles.low[row]! : candles.high[row]!;
      if (Number.isNaN(edge) || mark.x > pen.right) continue;
      drawMark(pen, mark, yOf(scale, edge) + (mark.side === 'buy' ? 4 : -4), mark.count === 1 && mark.trade === this.chosen?.number);
    }
  }

  /** From the middle of the candle of its entry to that of its exit, at the prices of its fills. */
  private drawChosen(pen: Pen, trade: Trade, scale: Scale, width: number): void {
    const { context } = pen;
    const middle = (iso: string): number => this.xOf((Math.floor(secondsOfIso(iso) / width) + 0.5) * width);
    const [from, to] = [middle(trade.entry_time), trade.exit_time === null ? pen.right : middle(trade.exit_time)];
    context.fillStyle = pen.colours.may;
    context.globalAlpha = 0.12;
    context.fillRect(from, scale.top, Math.max(2, to - from), scale.height);
    context.globalAlpha = 1;
    context.strokeStyle = pen.colours.may;
    context.lineWidth = 2;
    context.setLineDash([6, 3]);
    line(context, from, yOf(scale, trade.entry_price), to, yOf(scale, trade.exit_price ?? trade.entry_price));
    context.setLineDash([]);
  }

  private drawPointer(pen: Pen, candles: Candles, equity: EquityLine | null, bottom: number): void {
    if (!this.pointer || this.pointer.x < 0 || this.pointer.x > pen.right) return this.events.pointed(null);
    const time = this.timeOf(this.pointer.x);
    const [row, at] = [placeOf(candles.time, time), equity ? placeOf(equity.time, time) : -1];
    pen.context.strokeStyle = pen.colours.muted;
    pen.context.lineWidth = 1;
    pen.context.setLineDash([3, 3]);
    line(pen.context, Math.round(this.pointer.x) + 0.5, 0, Math.round(this.pointer.x) + 0.5, bottom);
    pen.context.setLineDash([]);
    const known = row >= 0 && !Number.isNaN(candles.open[row]!);
    const candle = known ? [candles.open[row]!, candles.high[row]!, candles.low[row]!, candles.close[row]!] as [number, number, number, number] : null;
    this.events.pointed({ time: candles.time[row] ?? time, candle, equity: equity?.last[at] ?? null, fall: equity?.fall[at] ?? null });
  }

  private title(pen: Pen, text: string, y: number): void {
    pen.context.fillStyle = pen.colours.muted;
    pen.context.textAlign = 'left';
    pen.context.textBaseline = 'top';
    pen.context.fillText(text, 4, y + 5);
  }

  private clipped({ context, right }: Pen, scale: Scale, act: () => void): void {
    context.save();
    context.beginPath();
    context.rect(0, scale.top - 4, right, scale.height + 8);
    context.clip();
    act();
    context.restore();
  }

  private listen(): void {
    const place = (event: PointerEvent | WheelEvent): { x: number; y: number } => {
      const box = this.canvas.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    let held: { x: number; sight: Sight } | null = null;
    this.canvas.addEventListener('wheel', (event) => {
      event.preventDefault();
      this.zoom(Math.exp(Math.max(-0.5, Math.min(0.5, event.deltaY / 400))), Math.min(1, place(event).x / this.room()));
    }, { passive: false });
    this.canvas.addEventListener('pointerdown', (event) => {
      held = { x: event.clientX, sight: { ...this.sight } };
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener('pointermove', (event) => {
      this.pointer = place(event);
      const by = held ? ((held.x - event.clientX) / this.room()) * (held.sight.to - held.sight.from) : 0;
      if (held && by) this.show({ from: held.sight.from + by, to: held.sight.to + by });
      this.drawSoon();
    });
    for (const name of ['pointerup', 'pointercancel'] as const) this.canvas.addEventListener(name, () => { held = null; });
    this.canvas.addEventListener('pointerleave', () => { this.pointer = null; this.drawSoon(); });
  }
}
