/**
 * The candle chart with its indicator pane: one lightweight-charts chart, prices as integer ticks.
 *
 * In:  slots (bars and gaps), indicator values by time, marks.
 * Out: pixels; and calls: which slot the pointer is on, and when the view comes near either end of what is held.
 */
import {
  CandlestickSeries, ColorType, CrosshairMode, TickMarkType, createChart, type CandlestickData, type ChartOptions, type DeepPartial, type IChartApi,
  type ISeriesApi, type Time, type UTCTimestamp, type WhitespaceData,
} from 'lightweight-charts';
import { holesOf, isKnown, type Slot } from './bars';
import { digitGroups, fromTicks, measured, toTicks, utc } from './format';
import { GapLine, type LinePoint } from './gapline';
import type { Mark } from './marks';
import { Overlay } from './overlay';
import { colours } from './theme';

const IN_SIGHT = 500;
const NEAR_EDGE = 60;
const RIGHT_MARGIN = 3;
type Candle = CandlestickData<Time> | WhitespaceData<Time>;

export interface ChartEvents { hover(time: number | null): void; nearOldest(): void; nearNewest(): void }

export class CandleChart {
  private readonly chart: IChartApi;
  private readonly candles: ISeriesApi<'Candlestick'>;
  private readonly line: ISeriesApi<'Custom', Time, LinePoint | WhitespaceData<Time>>;
  private readonly overlay: Overlay;
  private slots: readonly Slot[] = [];
  private byTime = new Map<number, Slot>();
  private indicator: ReadonlyMap<number, number | null> = new Map();
  private decimals = 2;
  private cursor: number | null = null;

  constructor(private readonly host: HTMLElement, private readonly events: ChartEvents) {
    this.chart = createChart(host, { autoSize: true, ...layout() });
    this.candles = this.chart.addSeries(CandlestickSeries, candleColours());
    this.line = this.chart.addCustomSeries(new GapLine(), { color: colours().line, priceLineVisible: false, priceFormat: { type: 'custom', minMove: 1e-9, formatter: measured } }, 1);
    this.overlay = new Overlay((time) => this.extent(time), (price) => toTicks(price, this.decimals));
    this.candles.attachPrimitive(this.overlay);
    this.chart.panes()[0]?.setStretchFactor(3);
    this.chart.panes()[1]?.setStretchFactor(1);
    this.chart.subscribeCrosshairMove((at) => {
      this.cursor = (at.time as number | undefined) ?? null;
      this.events.hover(this.cursor);
    });
    this.chart.timeScale().subscribeVisibleLogicalRangeChange(() => this.watchEdges());
    new ResizeObserver(() => this.limitZoom()).observe(host);
  }

  /** Another instrument or timeframe: forget the view and show the newest. */
  reset(decimals: number): void {
    this.decimals = decimals;
    this.slots = [];
    this.indicator = new Map();
    this.candles.applyOptions({ priceFormat: { type: 'custom', minMove: 1, formatter: (ticks: number) => digitGroups(fromTicks(ticks, decimals)).join('\u202F') } });
  }

  showSlots(slots: readonly Slot[], widthSeconds: number, marks: readonly Mark[]): void {
    const before = this.slots;
    this.slots = slots;
    this.byTime = new Map(slots.map((slot) => [slot.time, slot]));
    const changed = firstChange(before, slots);
    if (before.length > 0 && changed >= before.length - 1 && before[0]?.time === slots[0]?.time) {
      for (const slot of slots.slice(changed)) {
        this.candles.update(this.candle(slot));
        this.line.update(this.point(slot));
      }
    } else {
      this.replace(before);
    }
    this.overlay.show(marks, holesOf(slots, widthSeconds), widthSeconds);
  }

  showIndicator(values: ReadonlyMap<number, number | null>): void {
    this.indicator = values;
    this.line.setData(this.slots.map((slot) => this.point(slot)));
  }

  toNewest(): void {
    this.chart.timeScale().scrollToRealTime();
  }

  seesNewest(): boolean {
    return (this.chart.timeScale().getVisibleLogicalRange()?.to ?? 0) >= this.slots.length - 1;
  }

  /** Slots in sight, oldest first. */
  inSight(): readonly Slot[] {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    return range ? this.slots.slice(Math.max(0, Math.floor(range.from)), Math.ceil(range.to) + 1) : this.slots;
  }

  moveCursor(by: number): void {
    const from = this.slots.findIndex((slot) => slot.time === this.cursor);
    let to = from < 0 ? this.slots.length - 1 : from + by;
    while (this.slots[to] && !isKnown(this.slots[to]!)) to += Math.sign(by);
    const slot = this.slots[to];
    if (!slot?.bar?.close) return;
    this.chart.setCrosshairPosition(toTicks(slot.bar.close, this.decimals), slot.time as UTCTimestamp, this.candles);
    this.cursor = slot.time;
    this.events.hover(slot.time); // the library is silent about a crosshair that it was told to move
  }

  pan(bars: number): void {
    const scale = this.chart.timeScale();
    scale.scrollToPosition(Math.min(RIGHT_MARGIN, scale.scrollPosition() + bars), false);
  }

  zoom(factor: number): void {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    if (range) this.chart.timeScale().setVisibleLogicalRange({ from: range.to - (range.to - range.from) * factor, to: range.to });
  }

  restyle(): void {
    this.chart.applyOptions(layout());
    this.candles.applyOptions(candleColours());
    this.line.applyOptions({ color: colours().line });
    this.candles.setData(this.slots.map((slot) => this.candle(slot)));
    this.overlay.restyle();
  }

  /** New data of another extent: keep the same bars in sight, unless the newest is, which is then followed. */
  private replace(before: readonly Slot[]): void {
    const scale = this.chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    const follow = before.length === 0 || !range || range.to >= before.length - 1;
    const anchor = before.findIndex((slot) => this.byTime.has(slot.time));
    this.candles.setData(this.slots.map((slot) => this.candle(slot)));
    this.line.setData(this.slots.map((slot) => this.point(slot)));
    if (before.length === 0) this.showLatest();
    if (follow || anchor < 0) return;
    const shift = this.slots.findIndex((slot) => slot.time === before[anchor]!.time) - anchor;
    scale.setVisibleLogicalRange({ from: range.from + shift, to: range.to + shift });
  }

  private showLatest(): void {
    const bars = Math.max(40, Math.min(160, Math.floor(this.host.clientWidth / 7)));
    this.chart.timeScale().setVisibleLogicalRange({ from: this.slots.length - bars, to: this.slots.length + RIGHT_MARGIN });
  }

  private candle(slot: Slot): Candle {
    const time = slot.time as UTCTimestamp;
    const bar = slot.bar;
    if (!bar || !isKnown(slot)) return { time };
    const [open, high, low, close] = [bar.open, bar.high, bar.low, bar.close].map((price) => toTicks(price!, this.decimals)) as [number, number, number, number];
    const shape = { time, open, high, low, close };
    if (bar.state === 'flat' || bar.open_bar) {
      const quiet = colours().muted;
      return { ...shape, borderColor: quiet, wickColor: quiet, color: close < open ? quiet : colours().surface };
    }
    return shape;
  }

  private point(slot: Slot): LinePoint | WhitespaceData<Time> {
    const time = slot.time as UTCTimestamp;
    const value = this.indicator.get(slot.time);
    return value === null || value === undefined ? { time } : { time, value };
  }

  private extent(time: number): { high: number; low: number } | null {
    const slot = this.byTime.get(time);
    if (!slot?.bar || !isKnown(slot)) return null;
    return { high: toTicks(slot.bar.high!, this.decimals), low: toTicks(slot.bar.low!, this.decimals) };
  }

  /** Ask for more when the view is near an end of what is held. */
  watchEdges(): void {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    if (!range || this.slots.length === 0) return;
    if (range.from < NEAR_EDGE) this.events.nearOldest();
    if (range.to > this.slots.length - NEAR_EDGE) this.events.nearNewest();
  }

  private limitZoom(): void {
    this.chart.timeScale().applyOptions({ minBarSpacing: Math.max(0.5, this.host.clientWidth / IN_SIGHT) });
  }
}

/** Index of the first slot that differs, or the shorter length. */
function firstChange(before: readonly Slot[], after: readonly Slot[]): number {
  const shorter = Math.min(before.length, after.length);
  for (let i = 0; i < shorter; i++) {
    if (before[i]!.time !== after[i]!.time || before[i]!.bar !== after[i]!.bar) return i;
  }
  return shorter;
}

function layout(): DeepPartial<ChartOptions> {
  const c = colours();
  return {
    layout: {
      background: { type: ColorType.Solid, color: c.surface }, textColor: c.muted, fontSize: 12, fontFamily: 'system-ui, sans-serif',
      panes: { separatorColor: c.rule, separatorHoverColor: c.rule },
      // The library's logo needs an inline style sheet, which the page forbids; the footer carries the attribution.
      attributionLogo: false,
    },
    grid: { vertLines: { color: c.rule, style: 1 }, horzLines: { color: c.rule, style: 1 } },
    crosshair: { mode: CrosshairMode.Normal, vertLine: { color: c.muted, labelBackgroundColor: c.muted }, horzLine: { color: c.muted, labelBackgroundColor: c.muted } },
    rightPriceScale: { borderColor: c.rule, minimumWidth: 84 },
    timeScale: { borderColor: c.rule, timeVisible: true, secondsVisible: true, rightOffset: RIGHT_MARGIN, tickMarkFormatter: tickLabel },
    localization: { locale: 'en', timeFormatter: (time: Time) => `${utc(time as number)} UTC` },
    handleScroll: { vertTouchDrag: false },
  };
}

function candleColours(): Parameters<ISeriesApi<'Candlestick'>['applyOptions']>[0] {
  const c = colours();
  return {
    upColor: c.surface, borderUpColor: c.up, wickUpColor: c.up, downColor: c.down, borderDownColor: c.down, wickDownColor: c.down,
    priceLineColor: c.muted,
  };
}

function tickLabel(time: Time, kind: TickMarkType): string {
  const seconds = time as number;
  if (kind === TickMarkType.TimeWithSeconds) return utc(seconds, 'time');
  if (kind === TickMarkType.Time) return utc(seconds, 'minute');
  const day = utc(seconds, 'day');
  return kind === TickMarkType.Year ? day.slice(0, 4) : kind === TickMarkType.Month ? day.slice(0, 7) : day.slice(5);
}
