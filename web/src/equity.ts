/** The equity curve (uPlot). The number beside it comes from the API's text, never from the float that is drawn. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Equity, EquityPoint } from './api';
import { element, number } from './dom';
import { roundDecimal, secondsOf, signedDifference, utc } from './format';
import { colours } from './theme';

const HELD_POINTS = 2000;

export class EquityCurve {
  private points: EquityPoint[] = [];
  private plot: uPlot | null = null;
  private waiting = false;

  constructor(private readonly host: HTMLElement, private readonly now: HTMLElement) {
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(host);
  }

  /** Points whose worth is known. */
  count(): number {
    return this.points.filter((point) => point.equity !== null).length;
  }

  load({ columns, quote }: Equity): void {
    this.points = [];
    this.add(columns.known_ns.map((known_ns, i) => ({ known_ns, equity: columns.equity[i] ?? null, quote })));
  }

  add(points: readonly EquityPoint[]): void {
    for (const point of points) {
      const last = this.points.at(-1);
      if (last && BigInt(point.known_ns) <= BigInt(last.known_ns)) continue;
      this.points.push(point);
    }
    this.points = this.points.slice(-HELD_POINTS);
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.draw(); });
  }

  restyle(): void {
    this.plot?.destroy();
    this.plot = null;
    this.draw();
  }

  private draw(): void {
    const first = this.points.find((point) => point.equity !== null) ?? this.points[0];
    const last = this.points.at(-1);
    if (!first || !last) return;
    const x = this.points.map((point) => Number(BigInt(point.known_ns) / 1_000_000n) / 1000);
    const y = this.points.map((point) => (point.equity === null ? null : Number(point.equity)));
    if (this.plot) this.plot.setData([x, y]);
    else this.plot = new uPlot({ ...options(), ...this.size() }, [x, y], this.host);
    const now = last.equity === null ? '?' : roundDecimal(last.equity, 2);
    const change = last.equity === null || first.equity === null ? '?' : signedDifference(last.equity, first.equity, 2);
    this.now.replaceChildren(element('span', '', number(now), ` ${last.quote}`), element('span', 'muted', `${change} since ${utc(secondsOf(first.known_ns), 'time')} UTC`));
    this.host.setAttribute('aria-label', `Equity over time: now ${now} ${last.quote}`);
  }

  private size(): { width: number; height: number } {
    return { width: Math.max(120, this.host.clientWidth), height: Math.max(90, this.host.clientHeight) };
  }
}

function options(): Omit<uPlot.Options, 'width' | 'height'> {
  const c = colours();
  const axis: uPlot.Axis = { stroke: c.muted, grid: { stroke: c.rule, width: 1 }, ticks: { stroke: c.rule, width: 1 }, font: '12px system-ui, sans-serif' };
  return {
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    padding: [8, 24, 0, 0],
    axes: [
      { ...axis, size: 28, space: 80, values: (_, splits, __, ___, step) => splits.map((seconds) => utc(seconds, step < 60 ? 'time' : 'minute')) },
      { ...axis, size: 72, values: (_, splits, __, ___, step) => splits.map((value) => value.toFixed(step < 1 ? 2 : 0)) },
    ],
    series: [{}, { stroke: c.line, width: 1.5, spanGaps: false, points: { show: false } }],
  };
}
