/** Where values and times lie on a picture, and which of them are written beside it. */
import { utc } from '../format';

export interface Scale { low: number; high: number; top: number; height: number }

const STEPS_S = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 10800, 21600, 43200, 86400, 172800, 604800, 1209600];
const DAY_S = 86400;
const MONTH_S = 28 * DAY_S;

/** A scale on which all of `values` have room, and a `margin` of it beyond them; NaN is passed over, a single value is in the middle. */
export function scaleOf(values: Iterable<number>, top: number, height: number, margin = 0.06): Scale {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) [low, high] = [0, 1];
  const room = (high - low || Math.abs(high) || 1) * margin;
  return { low: low - room, high: high + room, top, height };
}

export function yOf(scale: Scale, value: number): number {
  return scale.top + ((scale.high - value) / (scale.high - scale.low)) * scale.height;
}

/** Round values within a scale, some `gap` pixels apart. */
export function valueTicks(scale: Scale, gap: number): number[] {
  const wanted = Math.max(1, Math.floor(scale.height / gap));
  const raw = (scale.high - scale.low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= 0.75 * raw)!;
  const ticks: number[] = [];
  for (let n = Math.ceil(scale.low / step); n * step <= scale.high; n++) ticks.push(n * step);
  return ticks;
}

export interface TimeTick { time: number; label: string }

/** Moments at which a day, an hour or a month begins (UTC), at least `gap` seconds apart. */
export function timeTicks(from: number, to: number, gap: number): TimeTick[] {
  const step = STEPS_S.find((candidate) => candidate >= gap);
  if (step === undefined) return monthTicks(from, to, gap);
  const ticks: TimeTick[] = [];
  for (let time = Math.ceil(from / step) * step; time <= to; time += step) ticks.push({ time, label: labelOf(time, step) });
  return ticks;
}

function labelOf(time: number, step: number): string {
  const day = utc(time, 'day');
  if (step >= DAY_S) return day.slice(5) === '01-01' ? day.slice(0, 4) : day;
  return time % DAY_S === 0 ? day : utc(time, step < 60 ? 'time' : 'minute');
}

function monthTicks(from: number, to: number, gap: number): TimeTick[] {
  const months = Math.ceil(gap / MONTH_S);
  const every = [1, 2, 3, 6, 12, 24, 60, 120].find((candidate) => candidate >= months) ?? 240;
  const first = new Date(from * 1000);
  const ticks: TimeTick[] = [];
  for (let month = Math.ceil((first.getUTCFullYear() * 12 + first.getUTCMonth()) / every) * every; ; month += every) {
    const time = Date.UTC(Math.floor(month / 12), month % 12) / 1000;
    if (time > to) return ticks;
    if (time >= from) ticks.push({ time, label: utc(time, 'day').slice(0, month % 12 ? 7 : 4) });
  }
}
