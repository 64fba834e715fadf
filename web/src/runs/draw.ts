/** Pens of the run's picture: candles, lines with their band, falls, marks, axes. All take pixels and draw on one canvas. */
import type { Colours } from '../theme';
import type { Candles, EquityLine } from './data';
import type { Placed } from './marks';
import { valueTicks, yOf, type Scale, type TimeTick } from './scale';

export interface Pen { context: CanvasRenderingContext2D; colours: Colours; xOf: (time: number) => number; left: number; right: number }

const MARK = 5;
const [TICK_GAP, SMALL_TICK_GAP, SMALL_PANE] = [44, 26, 120];

/** Up is hollow, down is filled; narrower than three pixels only its height is left. An unknown candle is an empty place. */
export function drawCandles({ context, colours, xOf, left, right }: Pen, candles: Candles, scale: Scale): void {
  const step = xOf(candles.width) - xOf(0);
  const wide = Math.max(1, Math.min(Math.floor(step) - 1, Math.ceil(step * 0.7)));
  context.lineWidth = 1;
  for (let i = 0; i < candles.time.length; i++) {
    const x = xOf(candles.time[i]!);
    const [open, close] = [candles.open[i]!, candles.close[i]!];
    if (x + step < left || x > right || Number.isNaN(open)) continue;
    const up = close >= open;
    context.strokeStyle = context.fillStyle = up ? colours.up : colours.down;
    const middle = Math.floor(x + step / 2) + 0.5;
    const [top, bottom] = [yOf(scale, Math.max(open, close)), yOf(scale, Math.min(open, close))];
    line(context, middle, yOf(scale, candles.high[i]!), middle, wide < 3 ? yOf(scale, candles.low[i]!) : top);
    if (wide < 3) continue;
    line(context, middle, bottom, middle, yOf(scale, candles.low[i]!));
    const box = [middle - wide / 2, top, wide, Math.max(1, bottom - top)] as const;
    if (up) context.strokeRect(...box);
    else context.fillRect(...box);
  }
}

/** The last value of each stretch as a line, and from lowest to highest within it as a band. */
export function drawEquity(pen: Pen, equity: EquityLine, scale: Scale): void {
  const { context, colours, xOf } = pen;
  const half = equity.width / 2;
  context.strokeStyle = colours.line;
  context.globalAlpha = 0.35;
  context.lineWidth = Math.max(1, xOf(equity.width) - xOf(0));
  equity.time.forEach((time, i) => {
    if (equity.high[i]! > equity.low[i]!) line(context, xOf(time + half), yOf(scale, equity.high[i]!), xOf(time + half), yOf(scale, equity.low[i]!));
  });
  context.globalAlpha = 1;
  drawPath(pen, equity, Number.POSITIVE_INFINITY, equity.last, scale, { colour: colours.line, dash: [], width: 1.5 });
}

export interface Stroke { colour: string; dash: readonly number[]; width: number }

/** A value at the end of each stretch as a line; the last stretch ends at `to`. NaN breaks it. */
export function drawPath({ context, xOf }: Pen, { time, width }: { time: readonly number[]; width: number }, to: number, values: readonly number[], scale: Scale, stroke: Stroke): void {
  context.strokeStyle = stroke.colour;
  context.lineWidth = stroke.width;
  context.setLineDash([...stroke.dash]);
  context.beginPath();
  let joined = false;
  values.forEach((value, i) => {
    const known = !Number.isNaN(value);
    if (known) context[joined ? 'lineTo' : 'moveTo'](xOf(Math.min(to, time[i]! + width)), yOf(scale, value));
    joined = known;
  });
  context.stroke();
  context.setLineDash([]);
}

/** Below the water: filled from zero down to the deepest fall of each stretch. */
export function drawFalls({ context, colours, xOf }: Pen, equity: EquityLine, scale: Scale): void {
  if (!equity.time.length) return;
  const surface = yOf(scale, 0);
  context.beginPath();
  context.moveTo(xOf(equity.time[0]!), surface);
  equity.time.forEach((time, i) => context.lineTo(xOf(time + equity.width / 2), yOf(scale, -equity.fall[i]!)));
  context.lineTo(xOf(equity.time.at(-1)! + equity.width), surface);
  context.closePath();
  context.fillStyle = context.strokeStyle = colours.down;
  context.globalAlpha = 0.25;
  context.fill();
  context.globalAlpha = 1;
  context.lineWidth = 1;
  context.stroke();
}

/** Bought: a triangle that points up, below the candle; sold: one that points down, above it. Several have their number. */
export function drawMark({ context, colours }: Pen, mark: Placed, y: number, chosen: boolean): void {
  const way = mark.side === 'buy' ? 1 : -1;
  context.beginPath();
  context.moveTo(mark.x, y);
  context.lineTo(mark.x - MARK, y + way * 2 * MARK);
  context.lineTo(mark.x + MARK, y + way * 2 * MARK);
  context.closePath();
  context.lineWidth = 3;
  context.strokeStyle = chosen ? colours.text : colours.surface;
  context.stroke();
  context.fillStyle = mark.side === 'buy' ? colours.up : colours.down;
  context.fill();
  if (mark.count === 1) return;
  context.fillStyle = colours.text;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(String(mark.count), mark.x, y + way * (2 * MARK + 8));
}

export function drawValueAxis(pen: Pen, scale: Scale, label: (value: number) => string): void {
  const { context, colours, left, right } = pen;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.lineWidth = 1;
  for (const value of valueTicks(scale, scale.height < SMALL_PANE ? SMALL_TICK_GAP : TICK_GAP)) {
    const y = Math.round(yOf(scale, value)) + 0.5;
    context.strokeStyle = colours.rule;
    line(context, left, y, right, y);
    context.fillStyle = colours.muted;
    context.fillText(label(value), right + 6, y);
  }
}

export function drawTimeAxis(pen: Pen, ticks: readonly TimeTick[], bottom: number): void {
  const { context, colours, xOf, right } = pen;
  context.textAlign = 'center';
  context.textBaseline = 'top';
  for (const { time, label } of ticks) {
    const x = Math.round(xOf(time)) + 0.5;
    context.strokeStyle = colours.rule;
    context.lineWidth = 1;
    line(context, x, 0, x, bottom);
    context.fillStyle = colours.muted;
    if (x > 32 && x < right - 24) context.fillText(label, x, bottom + 5);
  }
}

export function line(context: CanvasRenderingContext2D, fromX: number, fromY: number, toX: number, toY: number): void {
  context.beginPath();
  context.moveTo(fromX, fromY);
  context.lineTo(toX, toY);
  context.stroke();
}
