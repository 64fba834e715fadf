/**
 * What is drawn over and under the candles: marks (ring MAY, disc HAS, triangle fill) as sprites of one primitive, and
 * hatching where bars are unknown or missing.
 */
import type {
  IChartApi, IPrimitivePaneRenderer, IPrimitivePaneView, ISeriesApi, ISeriesPrimitive, SeriesAttachedParameter, Time, UTCTimestamp,
} from 'lightweight-charts';
import type { Hole } from './bars';
import { age } from './format';
import { thinned, type Mark } from './marks';
import { colours, type Colours } from './theme';

const SIZE = 13;
const STEP = 14;
type Target = Parameters<IPrimitivePaneRenderer['draw']>[0];
/** High and low of the candle a mark stands on, in the units of the series. */
export type Extent = (time: number) => { high: number; low: number } | null;
export type ToUnits = (price: string) => number;

export class Overlay implements ISeriesPrimitive<Time> {
  private chart: IChartApi | null = null;
  private series: ISeriesApi<'Candlestick'> | null = null;
  private redraw: (() => void) | null = null;
  private marks: readonly Mark[] = [];
  private holes: readonly Hole[] = [];
  private width = 1;
  private readonly sprites = new Map<string, HTMLCanvasElement>();
  private readonly views: IPrimitivePaneView[] = [
    { zOrder: () => 'bottom', renderer: () => ({ draw: (target) => this.drawHoles(target) }) },
    { zOrder: () => 'top', renderer: () => ({ draw: (target) => this.drawMarks(target) }) },
  ];

  constructor(private readonly extent: Extent, private readonly toUnits: ToUnits) {}

  attached(to: SeriesAttachedParameter<Time>): void {
    this.chart = to.chart as IChartApi;
    this.series = to.series as ISeriesApi<'Candlestick'>;
    this.redraw = to.requestUpdate;
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return this.views;
  }

  show(marks: readonly Mark[], holes: readonly Hole[], widthSeconds: number): void {
    this.marks = marks;
    this.holes = holes;
    this.width = widthSeconds;
    this.redraw?.();
  }

  restyle(): void {
    this.sprites.clear();
    this.redraw?.();
  }

  private x(time: number): number | null {
    return this.chart?.timeScale().timeToCoordinate(time as UTCTimestamp) ?? null;
  }

  private drawMarks(target: Target): void {
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      const inSight = this.marks.filter((mark) => within(this.x(mark.time), mediaSize.width));
      const stacked = new Map<string, number>();
      context.font = '12px system-ui, sans-serif';
      context.textBaseline = 'middle';
      for (const mark of thinned(inSight, this.width)) {
        const x = this.x(mark.time);
        const y = this.y(mark, stacked);
        if (x === null || y === null) continue;
        context.drawImage(this.sprite(mark), x - SIZE / 2, y - SIZE / 2, SIZE, SIZE);
        context.fillStyle = colours().text;
        if (mark.count > 1) context.fillText(String(mark.count), x + SIZE / 2 + 1, y);
      }
    });
  }

  /** Fills stand at their price; sells above the candle and buys below it, one above the other. */
  private y(mark: Mark, stacked: Map<string, number>): number | null {
    if (!this.series) return null;
    if (mark.kind === 'fill' && mark.price !== null) return this.series.priceToCoordinate(this.toUnits(mark.price));
    const extent = this.extent(mark.time);
    if (!extent) return null;
    const above = mark.side === 'sell';
    const edge = this.series.priceToCoordinate(above ? extent.high : extent.low);
    if (edge === null) return null;
    const key = `${mark.time} ${above}`;
    const place = stacked.get(key) ?? 0;
    stacked.set(key, place + 1);
    const distance = STEP * (place + 1);
    return above ? edge - distance : edge + distance;
  }

  private sprite(mark: Mark): HTMLCanvasElement {
    const ratio = window.devicePixelRatio || 1;
    const key = `${mark.kind} ${mark.side} ${ratio}`;
    let canvas = this.sprites.get(key);
    if (!canvas) {
      canvas = document.createElement('canvas');
      canvas.width = canvas.height = Math.ceil(SIZE * ratio);
      const context = canvas.getContext('2d')!;
      context.scale(canvas.width / SIZE, canvas.height / SIZE);
      drawMark(context, mark, colours());
      this.sprites.set(key, canvas);
    }
    return canvas;
  }

  private drawHoles(target: Target): void {
    const half = (this.chart?.timeScale().options().barSpacing ?? 6) / 2;
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      for (const hole of this.holes) {
        const from = this.x(hole.from);
        const to = this.x(hole.to);
        if (from === null || to === null || to + half < 0 || from - half > mediaSize.width) continue;
        hatch(context, from - half, to + half, mediaSize.height);
        label(context, hole, (from + to) / 2, to - from + 2 * half, mediaSize.height);
      }
    });
  }
}

/** The shapes of the legend (glyphs.ts), on a canvas. */
function drawMark(context: CanvasRenderingContext2D, mark: Mark, palette: Colours): void {
  const middle = SIZE / 2;
  context.lineJoin = 'round';
  context.beginPath();
  if (mark.kind === 'fill') {
    const up = mark.side === 'buy';
    context.moveTo(middle, up ? 2 : SIZE - 2);
    context.lineTo(SIZE - 2, up ? SIZE - 2 : 2);
    context.lineTo(2, up ? SIZE - 2 : 2);
    context.closePath();
  } else {
    context.arc(middle, middle, mark.kind === 'may' ? 4 : 4.5, 0, 2 * Math.PI);
  }
  const color = mark.kind === 'may' ? palette.may : mark.kind === 'has' ? palette.has : mark.side === 'buy' ? palette.up : palette.down;
  context.strokeStyle = palette.surface;
  context.lineWidth = mark.kind === 'may' ? 4.5 : 2.5;
  context.stroke();
  context.strokeStyle = context.fillStyle = color;
  context.lineWidth = 2;
  if (mark.kind === 'may') context.stroke();
  else context.fill();
}

function hatch(context: CanvasRenderingContext2D, left: number, right: number, height: number): void {
  context.save();
  context.beginPath();
  context.rect(left, 0, right - left, height);
  context.clip();
  context.strokeStyle = colours().rule;
  context.lineWidth = 1;
  context.beginPath();
  for (let x = left - height; x < right; x += 8) {
    context.moveTo(x, height);
    context.lineTo(x + height, 0);
  }
  context.stroke();
  context.restore();
}

function label(context: CanvasRenderingContext2D, hole: Hole, middle: number, width: number, height: number): void {
  const text = `${hole.why} ${age(hole.seconds * 1000)}`;
  context.font = '12px system-ui, sans-serif';
  context.textAlign = 'center';
  context.fillStyle = colours().muted;
  if (context.measureText(text).width < width) context.fillText(text, middle, height - 8);
  context.textAlign = 'start';
}

function within(x: number | null, width: number): boolean {
  return x !== null && x >= -SIZE && x <= width + SIZE;
}
