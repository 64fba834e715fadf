/**
 * A run as the page shows it, wherever it comes from: the API, or the file the page is in.
 *
 * Times are seconds since 1970 UTC; prices and money are numbers for the eye, at most nine digits of a price in a report.
 */
import type { Side } from '../api';

export type Cell = string | number | boolean | null;
export type Figures = Record<string, unknown>;
export interface Period { period: string; return: number | null; price: number; whole: boolean }
export interface Calendar { months: Period[]; weeks: Period[] }
export interface Head { number: string; kind: string; known_ns: string; config: Figures; document: Figures; calendar: Calendar; trades: number }
export interface Trade {
  number: string; entry_time: string; exit_time: string | null; entry_price: number; exit_price: number | null; size: number; pnl: number | null; fees: number | null;
}
export interface TradePage { trades: Trade[]; total: number; page: number; pages: number }
/** Fills of one side on one candle; `trade` is the number of the first one's trade. */
export interface RunMark { time: number; side: Side; count: number; trade: string }
/** Columns, oldest first; NaN where a candle is unknown. `width` in seconds. */
export interface Candles {
  timeframe: string; width: number; decimals: number; time: number[]; open: number[]; high: number[]; low: number[]; close: number[]; marks: RunMark[];
}
export interface EquityLine { width: number; time: number[]; low: number[]; high: number[]; last: number[]; fall: number[] }

export const PER_PAGE = 100;

/** Where a run's rows come from. `px`: how wide the stretch is on the screen; no more rows come than can be seen there. */
export interface Source {
  head: Head;
  /** First and last second of the run; null if it has no bars. */
  span: [number, number] | null;
  candles(from: number, to: number, px: number): Promise<Candles>;
  equity(from: number, to: number, px: number): Promise<EquityLine | null>;
  trades(page: number): Promise<TradePage>;
}

export function secondsOfIso(text: string): number {
  return Date.parse(text) / 1000;
}

/** Index of the last of rising `times` that is not after `at`; -1 if all are. */
export function placeOf(times: ArrayLike<number>, at: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The last part of a path. */
export function fileOf(path: unknown): string | null {
  return typeof path === 'string' ? path.split('/').at(-1)! : null;
}
