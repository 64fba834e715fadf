/**
 * The picture of several runs: equity of each as a part of its start, buy and hold of their markets, and falls, over one time.
 *
 * In:  the runs, the first rows, which run is chosen. Out: pixels; and calls: where the pointer is.
 */
import { spanOf, spread, strokeOf, type Compared, type Curve } from './compared';
import { placeOf } from './data';
import { drawPath, drawTimeAxis, drawValueAxis, type Pen, type Stroke } from './draw';
import { percent } from './figures';
import { scaleOf, timeTicks, yOf, type Scale } from './scale';
import { compare } from './served';
import { FOOT_PX, GAP_PX, TIME_GAP_PX, TimePlot, type Grid, type PlotEvents } from './timeplot';

const [AXIS_PX, LABEL_PX, LABEL_HEIGHT] = [78, 40, 14];
const EQUITY_PART = 0.68;
const HELD: readonly number[] = [1, 3];

export interface ComparePlotEvents extends PlotEvents { pointed(at: number | null): void }
export interface EndLabel { text: string; x: number; y: number }

export class ComparePlot extends TimePlot<Compared> {
  /** The run whose line is thick; null: all alike. */
  chosen: string | null = null;
  labels: EndLabel[] = [];

  constructor(host: HTMLElement, private readonly numbers: readonly string[], first: Compared, private readonly events: ComparePlotEvents) {
    super(host, spanOf([...first.curves, ...first.markets])!, AXIS_PX + LABEL_PX, events);
    this.rows = { ...first, ...this.whole, px: this.room() };
  }

  choose(number: string | null): void {
    this.chosen = number;
    this.drawSoon();
  }

  protected read(from: number, to: number, px: number): Promise<Compared> {
    return compare(this.numbers, [from, to, px]);
  }

  protected grid({ curves }: Compared): Grid | null {
    return curves[0] ?? null;
  }

  protected paint(pen: Pen, { curves, markets }: Compared, height: number): void {
    const bottom = height - FOOT_PX;
    const room = bottom - 2 * GAP_PX;
    const near = (curve: Curve): boolean => curve.time.length > 0 && curve.from < this.sight.to && curve.to > this.sight.from;
    const lines = [...markets.filter(near).map((curve) => [curve, this.held(pen, markets, curve)] as const), ...curves.filter(near).map((curve) => [curve, this.stroke(pen, curve)] as const)];
    const values = (column: (curve: Curve) => number[]): number[] => lines.flatMap(([curve]) => [...this.seen(curve, [column(curve)])]);
    const equity = scaleOf([...values(({ low }) => low), ...values(({ high }) => high)], GAP_PX, room * EQUITY_PART);
    const water = scaleOf([0, ...values(({ fall }) => fall.map((part) => -part))], equity.top + equity.height + GAP_PX, room * (1 - EQUITY_PART));
    const beside = { ...pen, right: pen.right + LABEL_PX };
    drawTimeAxis(pen, timeTicks(this.sight.from, this.sight.to, ((this.sight.to - this.sight.from) / this.room()) * TIME_GAP_PX), bottom);
    drawValueAxis(beside, equity, (value) => percent(value - 1, true, placesOf(equity)));
    drawValueAxis(beside, water, (value) => percent(value, false, placesOf(water)));
    this.title(pen, 'Equity since its start', 0);
    this.title(pen, 'Below its best so far', water.top - GAP_PX);
    for (const [curve, stroke] of lines) {
      this.clipped(pen, equity, () => drawPath(pen, curve, curve.to, curve.last, equity, stroke));
      this.clipped(pen, water, () => drawPath(pen, curve, curve.to, curve.fall.map((part) => -part), water, stroke));
    }
    this.drawLabels(pen, lines, equity);
    this.events.pointed(this.pointed(pen, bottom));
  }

  private stroke({ colours }: Pen, { runs }: Curve): Stroke & { label: string } {
    const { colour, dash } = strokeOf(this.numbers.indexOf(runs[0]!));
    return { colour: colours[colour], dash, width: runs[0] === this.chosen ? 3 : 1.5, label: runs[0]! };
  }

  private held({ colours }: Pen, markets: readonly Curve[], { runs }: Curve): Stroke & { label: string } {
    return { colour: colours.text, dash: HELD, width: 1, label: markets.length > 1 ? `hold ${runs[0]!}` : 'hold' };
  }

  /** Each line's run at its last point in sight. */
  private drawLabels({ context, colours, right }: Pen, lines: readonly (readonly [Curve, Stroke & { label: string }])[], scale: Scale): void {
    const ends = lines.map(([curve]) => ({ x: Math.min(right, this.xOf(curve.to)), y: yOf(scale, curve.last[Math.max(0, placeOf(curve.time, this.sight.to))]!) }));
    const places = spread(ends, LABEL_PX, LABEL_HEIGHT, scale.top + scale.height);
    context.textAlign = 'left';
    context.textBaseline = 'middle';
    context.lineWidth = 3;
    context.strokeStyle = colours.surface;
    this.labels = lines.map(([, { label, colour }], i) => {
      const at = { text: label, x: ends[i]!.x + 4, y: places[i]! };
      context.fillStyle = colour;
      context.strokeText(at.text, at.x, at.y);
      context.fillText(at.text, at.x, at.y);
      return at;
    });
  }
}

function placesOf({ low, high }: Scale): number {
  return high - low < 0.02 ? 2 : high - low < 0.2 ? 1 : 0;
}
