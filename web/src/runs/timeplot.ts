/**
 * A picture over an axis of true time: which stretch is in sight, what moves it, and when its rows are read.
 *
 * In:  the whole stretch; wheel, drag and calls that move what is in sight. Out: calls to read rows, and to paint them.
 *
 * Rows come for the stretch in sight and as much on either side, as many as pixels can show; while others are on the way, the
 * old ones stay. A hole is as wide as it lasted.
 */
import { ApiError } from '../api';
import { colours } from '../theme';
import { placeOf } from './data';
import { line, type Pen } from './draw';
import type { Scale } from './scale';

export const [FOOT_PX, GAP_PX, TIME_GAP_PX] = [22, 22, 110];
const SMALLEST_BARS = 12;

export interface Sight { from: number; to: number }
/** Rows that were read, for which stretch and how many pixels of it. */
export type Read<Rows> = Rows & Sight & { px: number };
/** Times of points of a picture, rising; `width` in seconds. */
export interface Grid { time: number[]; width: number }
export interface PlotEvents { moved(sight: Sight): void; failed(words: string): void; drawn(): void }

export abstract class TimePlot<Rows> {
  sight: Sight;
  rows: Read<Rows> | null = null;
  protected pointer: { x: number; y: number } | null = null;
  protected readonly whole: Sight;
  private readonly canvas = document.createElement('canvas');
  private asking = false;
  private waiting = false;

  /** axisPx: room right of the picture. */
  constructor(private readonly host: HTMLElement, span: readonly [number, number], private readonly axisPx: number, private readonly told: PlotEvents) {
    const [from, to] = span;
    this.whole = { from, to };
    this.sight = { ...this.whole };
    host.replaceChildren(this.canvas);
    new ResizeObserver(() => this.drawSoon()).observe(host);
    this.listen();
  }

  protected abstract read(from: number, to: number, px: number): Promise<Rows>;
  protected abstract paint(pen: Pen, rows: Rows, height: number): void;
  protected abstract grid(rows: Rows): Grid | null;

  /** What is in sight; null if that is the whole. */
  get part(): Sight | null {
    return this.sight.from > this.whole.from || this.sight.to < this.whole.to ? this.sight : null;
  }

  /** Show another stretch, kept within the whole. */
  show(sight: Sight): void {
    const smallest = (this.gridNow()?.width ?? 1) > 60 ? 60 * SMALLEST_BARS : SMALLEST_BARS;
    const length = Math.min(this.whole.to - this.whole.from, Math.max(smallest, sight.to - sight.from));
    const from = Math.min(Math.max(sight.from, this.whole.from), this.whole.to - length);
    this.sight = { from, to: from + length };
    this.told.moved(this.sight);
    this.drawSoon();
  }

  showAll(): void {
    this.show(this.whole);
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

  /** The pointer one point to the left or right. */
  step(by: number): void {
    const grid = this.gridNow();
    if (!grid?.time.length) return;
    const now = this.pointer ? this.timeOf(this.pointer.x) : (this.sight.from + this.sight.to) / 2;
    const place = Math.min(grid.time.length - 1, Math.max(0, placeOf(grid.time, now) + by));
    this.pointer = { x: this.xOf(grid.time[place]! + grid.width / 2), y: -1 };
    this.drawSoon();
  }

  drawSoon(): void {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.ask(); this.draw(); });
  }

  xOf = (time: number): number => ((time - this.sight.from) / (this.sight.to - this.sight.from)) * this.room();

  protected timeOf(x: number): number {
    return this.sight.from + (x / this.room()) * (this.sight.to - this.sight.from);
  }

  protected room(): number {
    return Math.max(60, this.host.clientWidth - this.axisPx);
  }

  private gridNow(): Grid | null {
    return this.rows && this.grid(this.rows);
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
    void this.read(first, last, wide)
      .then((found) => { this.rows = { ...found, from: first, to: last, px: wide }; this.asking = false; this.drawSoon(); })
      .catch((error: unknown) => {
        this.asking = false;
        if (!(error instanceof ApiError)) throw error;
        this.told.failed(error.message);
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
    if (this.rows) this.paint({ context, colours: colours(), xOf: this.xOf, left: 0, right: this.room() }, this.rows, height);
    this.told.drawn();
  }

  /** Values of the rows in sight. */
  protected *seen(rows: Grid, columns: readonly number[][]): Generator<number> {
    const [first, last] = [Math.max(0, placeOf(rows.time, this.sight.from)), placeOf(rows.time, this.sight.to)];
    for (const column of columns) for (let i = first; i <= last; i++) if (!Number.isNaN(column[i]!)) yield column[i]!;
  }

  /** Where the pointer is in time, with a line there down to `bottom`; null when it is not on the picture. */
  protected pointed(pen: Pen, bottom: number): number | null {
    if (!this.pointer || this.pointer.x < 0 || this.pointer.x > pen.right) return null;
    pen.context.strokeStyle = pen.colours.muted;
    pen.context.lineWidth = 1;
    pen.context.setLineDash([3, 3]);
    line(pen.context, Math.round(this.pointer.x) + 0.5, 0, Math.round(this.pointer.x) + 0.5, bottom);
    pen.context.setLineDash([]);
    return this.timeOf(this.pointer.x);
  }

  protected title(pen: Pen, text: string, y: number): void {
    pen.context.fillStyle = pen.colours.muted;
    pen.context.textAlign = 'left';
    pen.context.textBaseline = 'top';
    pen.context.fillText(text, 4, y + 5);
  }

  protected clipped({ context, right }: Pen, scale: Scale, act: () => void): void {
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
