/**
 * The indicator under the candles: one formula, computed by the server for the bars that are held.
 *
 * In:  the view and the bars.
 * Out: values by opening time; what the API says when it cannot compute, in its own words.
 */
import { ApiError, TOO_MANY_AT_ONCE, get, type Bar, type Series } from './api';
import type { View } from './address';
import { byId, setText } from './dom';
import { measured, secondsOf } from './format';

const WAIT_MS = 1000;
/** The server computes from its first bar on, so a series that took t is not asked for again before this many times t. */
const REST = 5;

export class Indicator {
  values: ReadonlyMap<number, number | null> = new Map();
  error = '';
  private view: View | null = null;
  private bars: readonly Bar[] = [];
  private due = false;
  private waitMs = WAIT_MS;

  constructor(private readonly onValues: (values: ReadonlyMap<number, number | null>) => void) {}

  choose(view: View): void {
    this.view = view;
    this.error = '';
  }

  clear(): void {
    this.values = new Map();
  }

  /** There is a newly finished bar: one request at a time, however many bars come. */
  refreshSoon(bars: readonly Bar[]): void {
    this.bars = bars;
    if (this.due || this.error) return; // a refused formula stays refused until it is changed
    this.due = true;
    window.setTimeout(() => { this.due = false; void this.load(this.bars); }, this.waitMs);
  }

  async load(bars: readonly Bar[]): Promise<void> {
    this.bars = bars;
    const view = this.view;
    const last = bars.at(-1);
    if (!view?.instrument || !last) return;
    const asked = performance.now();
    try {
      const before_ns = String(BigInt(last.close_ns) + 1n);
      const { instrument, timeframe, formula } = view;
      const series = await get<Series>('series', { instrument, timeframe, formula, limit: bars.length, before_ns });
      if (view === this.view) this.take(series);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (view !== this.view) return;
      if (error.status === TOO_MANY_AT_ONCE) this.refreshSoon(bars);
      else this.fail(error);
    }
    this.waitMs = Math.max(WAIT_MS, REST * (performance.now() - asked));
  }

  private take({ columns, unit, warm_up }: Series): void {
    this.values = new Map(columns.open_ns.map((ns, i) => [secondsOf(ns), columns.value[i] ?? null]));
    this.error = '';
    const known = columns.value.some((value) => value !== null);
    this.note(`${unit} \u00b7 warm-up ${warm_up} \u00b7 ${known ? `now ${measured(columns.value.at(-1) ?? null)}` : 'no value yet: the warm-up is longer than what is stored'}`, false);
  }

  private fail({ message, status }: ApiError): void {
    if (status >= 400 && status < 500) this.error = message;
    this.values = new Map();
    this.note(message, true);
  }

  private note(words: string, failed: boolean): void {
    const note = byId('formula-note');
    setText(note, words);
    note.classList.toggle('failed', failed);
    this.onValues(this.values);
  }
}
