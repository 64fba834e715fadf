/**
 * A run as a report carries it (src/ninefold/report/packed.py): unpacked once, then answered from memory.
 *
 * In:  base64 of zlib of a JSON text and columns of differences. Out: a Source; levels are chosen as the API chooses them.
 */
import type { Candles, EquityLine, Head, Source, Trade, TradePage } from './data';
import { PER_PAGE, placeOf } from './data';

interface Said { name: string; rows: number; step: number; summed: boolean }
interface LevelSaid { timeframe: string; width_s: number; columns: Said[] }
interface Text extends Omit<Head, 'trades'> { trades: Trade[]; decimals: number; levels: LevelSaid[] }
interface Level { timeframe: string; width: number; columns: Map<string, Float64Array> }

const PX_A_CANDLE = 4;

export class PackedRun implements Source {
  readonly head: Head;
  readonly span: [number, number] | null;

  constructor(private readonly text: Text, private readonly levels: readonly Level[]) {
    this.head = { ...text, trades: text.trades.length };
    const time = levels[0]?.columns.get('time');
    this.span = time?.length ? [time[0]!, time.at(-1)! + levels[0]!.width] : null;
  }

  static async open(base64: string): Promise<PackedRun> {
    const letters = atob(base64);
    const bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
    return PackedRun.of(await new Response(stream).arrayBuffer());
  }

  static of(buffer: ArrayBuffer): PackedRun {
    const view = new DataView(buffer);
    const length = view.getUint32(0, true);
    const text = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))) as Text;
    let at = 4 + length;
    const levels = text.levels.map(({ timeframe, width_s, columns }) => {
      const read = new Map<string, Float64Array>();
      for (const said of columns) {
        read.set(said.name, numbersOf(new Uint8Array(buffer, at, 4 * said.rows), said));
        at += 4 * said.rows;
      }
      return { timeframe, width: width_s, columns: withPrices(read, columns.find(({ name }) => name === 'gap')!.step) };
    });
    return new PackedRun(text, levels);
  }

  candles(from: number, to: number, px: number): Promise<Candles> {
    const { level, start, stop } = this.part(from, to, px / PX_A_CANDLE);
    const column = (name: string): Float64Array => level.columns.get(name)!;
    const known = level.columns.get('known');
    const cut = (name: string): number[] => Array.from(column(name).subarray(start, stop), (value, i) => (known && !known[start + i] ? Number.NaN : value));
    const [rows, sides, counts, trades, time] = ['mark_row', 'mark_side', 'mark_fills', 'mark_trade', 'time'].map(column) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
    const marks: Candles['marks'] = [];
    for (let i = placeOf(rows, start - 1) + 1; i < rows.length && rows[i]! < stop; i++) {
      marks.push({ time: time[rows[i]!]!, side: sides[i]! > 0 ? 'buy' : 'sell', count: counts[i]!, trade: String(trades[i]! + 1) });
    }
    return Promise.resolve({
      timeframe: level.timeframe, width: level.width, decimals: this.text.decimals, time: [...time.subarray(start, stop)],
      open: cut('open'), high: cut('high'), low: cut('low'), close: cut('close'), marks,
    });
  }

  equity(from: number, to: number, px: number): Promise<EquityLine | null> {
    const { level, start, stop } = this.part(from, to, px);
    if (!level.columns.has('fall')) return Promise.resolve(null);
    const cut = (name: string): number[] => [...(level.columns.get(name) ?? level.columns.get('equity_last')!).subarray(start, stop)];
    return Promise.resolve({ width: level.width, time: cut('time'), low: cut('equity_low'), high: cut('equity_high'), last: cut('equity_last'), fall: cut('fall') });
  }

  trades(page: number): Promise<TradePage> {
    const all = this.text.trades;
    const pages = Math.max(1, Math.ceil(all.length / PER_PAGE));
    return Promise.resolve({ trades: all.slice((page - 1) * PER_PAGE, page * PER_PAGE), total: all.length, page, pages });
  }

  /** The finest level with at most `most` rows between two moments, else the coarsest. */
  private part(from: number, to: number, most: number): { level: Level; start: number; stop: number } {
    const parts = this.levels.map((level) => {
      const time = level.columns.get('time')!;
      return { level, start: placeOf(time, from - level.width) + 1, stop: placeOf(time, to) + 1 };
    });
    return parts.find(({ start, stop }) => stop - start <= most) ?? parts.at(-1)!;
  }
}

/** Numbers out of their bytes: all lowest ones first, signs folded in, summed up where they are differences. */
function numbersOf(bytes: Uint8Array, { rows, step, summed }: Said): Float64Array {
  const values = new Float64Array(rows);
  for (let i = 0, sum = 0; i < rows; i++) {
    const folded = (bytes[i]! | (bytes[rows + i]! << 8) | (bytes[2 * rows + i]! << 16) | (bytes[3 * rows + i]! << 24)) >>> 0;
    const number = folded & 1 ? -(folded + 1) / 2 : folded / 2;
    sum = summed ? sum + number : number;
    values[i] = summed ? sum * step : sum;
  }
  return values;
}

/** Open, high, low and close out of what each is more or less than another, in whole ticks until the end. */
function withPrices(columns: Map<string, Float64Array>, step: number): Map<string, Float64Array> {
  const [gap, body, above, below] = ['gap', 'body', 'above', 'below'].map((name) => columns.get(name)!) as [Float64Array, Float64Array, Float64Array, Float64Array];
  const [open, high, low, close] = [gap, gap, gap, gap].map(({ length }) => new Float64Array(length)) as [Float64Array, Float64Array, Float64Array, Float64Array];
  for (let i = 0; i < gap.length; i++) {
    open[i] = (i ? close[i - 1]! : 0) + gap[i]!;
    close[i] = open[i]! + body[i]!;
    high[i] = Math.max(open[i]!, close[i]!) + above[i]!;
    low[i] = Math.min(open[i]!, close[i]!) - below[i]!;
  }
  for (const prices of [open, high, low, close]) for (let i = 0; i < prices.length; i++) prices[i]! *= step;
  return new Map([...columns, ['open', open], ['high', high], ['low', low], ['close', close]]);
}
