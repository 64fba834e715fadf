/** A run as the API serves it, and runs beside each other. */
import { ApiError, get, type Side } from '../api';
import { secondsOf } from '../format';
import type { Compared, ComparedRun, Curve } from './compared';
import { secondsOfIso, type Candles, type EquityLine, type Head, type Source, type TradePage } from './data';

type Numbers = (number | null)[];
interface BarsAnswer {
  timeframe: string; width_ns: number; decimals: number;
  columns: { open_ns: string[] } & Record<'open' | 'high' | 'low' | 'close', (string | null)[]>;
  marks: { open_ns: string[]; side: Side[]; count: number[]; trade: string[] };
}
interface EquityAnswer { width_ns: number; columns: { open_ns: string[]; low: Numbers; high: Numbers; last: Numbers; fall: Numbers } }
interface HeadAnswer extends Head { timeframes: string[] }

interface CurveAnswer { from_ns: string; to_ns: string; width_ns: number; columns: EquityAnswer['columns'] | null }
interface Answer { runs: (ComparedRun & CurveAnswer)[]; markets: ({ runs: string[] } & CurveAnswer)[] }

const NOT_FOUND = 404;
const LEAST_PX = 1000;

export class ServedRun implements Source {
  readonly span: [number, number] | null;

  private constructor(readonly head: HeadAnswer) {
    const { from, to } = head.document;
    this.span = head.timeframes.length && typeof from === 'string' && typeof to === 'string' ? [secondsOfIso(from), secondsOfIso(to)] : null;
  }

  static async open(number: string): Promise<ServedRun> {
    return new ServedRun(await get<HeadAnswer>(`backtests/${encodeURIComponent(number)}`));
  }

  async candles(from: number, to: number, px: number): Promise<Candles> {
    const { timeframe, width_ns, decimals, columns, marks } = await this.rows<BarsAnswer>('bars', from, to, px);
    const [open, high, low, close] = [columns.open, columns.high, columns.low, columns.close].map(numbers) as [number[], number[], number[], number[]];
    const placed = marks.open_ns.map((ns, i) => ({ time: secondsOf(ns), side: marks.side[i]!, count: marks.count[i]!, trade: marks.trade[i]! }));
    return { timeframe, width: width_ns / 1e9, decimals, time: columns.open_ns.map(secondsOf), open, high, low, close, marks: placed };
  }

  async equity(from: number, to: number, px: number): Promise<EquityLine | null> {
    try {
      return lineOf(await this.rows<EquityAnswer>('equity', from, to, px));
    } catch (error) {
      if (error instanceof ApiError && error.status === NOT_FOUND) return null;
      throw error;
    }
  }

  trades(page: number): Promise<TradePage> {
    return get<TradePage>(`backtests/${this.head.number}/trades`, { page });
  }

  private rows<T>(what: string, from: number, to: number, px: number): Promise<T> {
    return get<T>(`backtests/${this.head.number}/${what}`, stretch(from, to, px));
  }
}

/** Runs over the stretch in sight, or whole: figures, and curves as parts of what they began with. */
export async function compare(numbers: readonly string[], sight?: readonly [from: number, to: number, px: number]): Promise<Compared> {
  const [from, to, px] = sight ?? [0, 0, LEAST_PX];
  const asked = { ...(sight ? stretch(from, to, Math.max(LEAST_PX, px)) : { px: LEAST_PX }), runs: numbers.join(',') };
  const { runs, markets } = await get<Answer>('backtests/compare', asked);
  return { runs, curves: runs.flatMap((run) => curveOf([run.number], run)), markets: markets.flatMap((market) => curveOf(market.runs, market)) };
}

function curveOf(runs: readonly string[], { from_ns, to_ns, width_ns, columns }: CurveAnswer): Curve[] {
  return columns ? [{ runs, from: secondsOf(from_ns), to: secondsOf(to_ns), ...lineOf({ width_ns, columns }) }] : [];
}

/** A stretch of time, and how wide it is, as the API wants it. */
function stretch(from: number, to: number, px: number): Record<string, string | number> {
  const ns = (seconds: number): string => `${Math.max(0, Math.floor(seconds))}000000000`;
  return { from: ns(from), to: ns(to), px: Math.min(10_000, Math.max(100, Math.round(px))) };
}

function lineOf({ width_ns, columns }: EquityAnswer): EquityLine {
  const [low, high, last, fall] = [columns.low, columns.high, columns.last, columns.fall].map(numbers) as [number[], number[], number[], number[]];
  return { width: width_ns / 1e9, time: columns.open_ns.map(secondsOf), low, high, last, fall };
}

function numbers(texts: (string | number | null)[]): number[] {
  return texts.map((text) => (text === null ? Number.NaN : Number(text)));
}
