/**
 * The picture of a run: candles with its fills, equity, and what it fell below its best, over one axis of time.
 *
 * In:  a source of rows, the stretch of time in sight, the trade that is chosen.
 * Out: pixels; and calls: what the pointer is on, that another stretch is in sight.
 */
import type { Candles, EquityLine, Source, Trade } from './data';
import { placeOf, secondsOfIso } from './data';
import { drawCandles, drawEquity, drawFalls, drawMark, drawTimeAxis, drawValueAxis, line, type Pen } from './draw';
import { placed, type Placed } from './marks';
import { scaleOf, timeTicks, yOf, type Scale } from './scale';
import { FOOT_PX, GAP_PX, TIME_GAP_PX, TimePlot, type Grid, type PlotEvents } from './timeplot';

const AXIS_PX = 78;
const MARKS_ROOM = 0.14;
const PARTS = { price: 0.6, equity: 0.24, fall: 0.16 };

export interface Pointed { time: number; candle: [number, number, number, number] | null; equity: number | null; fall: number | null }
interface Rows { candles: Candles; equity: EquityLine | null }
export interface RunPlotEvents extends PlotEvents { pointed(at: Pointed | null): void }

export class RunPlot extends TimePlot<Rows> {
  marks: Placed[] = [];
  private chosen: Trade | null = null;

  constructor(host: HTMLElement, private readonly source: Source, private readonly events: RunPlotEvents) {
    super(host, source.span!, AXIS_PX, events);
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

  protected async read(from: number, to: number, px: number): Promise<Rows> {
    const [candles, equity] = await Promise.all([this.source.candles(from, to, px), this.source.equity(from, to, px)]);
    return { candles, equity };
  }

  protected grid({ candles }: Rows): Grid {
    return candles;
  }

  /** Seconds of the finest candles seen so far. */
  private finest(): number {
    return Math.min(60, this.rows?.candles.width ?? 60);
  }

  protected paint(pen: Pen, { candles, equity }: Rows, height: number): void {
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
    const time = this.pointed(pen, bottom);
    if (time === null) return this.events.pointed(null);
    const [row, at] = [placeOf(candles.time, time), equity ? placeOf(equity.time, time) : -1];
    const known = row >= 0 && !Number.isNaN(candles.open[row]!);
    const candle = known ? [candles.open[row]!, candles.high[row]!, candles.low[row]!, candles.close[row]!] as [number, number, number, number] : null;
    this.events.pointed({ time: candles.time[row] ?? time, candle, equity: equity?.last[at] ?? null, fall: equity?.fall[at] ?? null });
  }
}
