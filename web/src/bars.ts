/**
 * Bars as the page holds them.
 *
 * In:  columns from REST and single bars from the socket, possibly twice, restated or out of order.
 * Out: one list, oldest first, each opening time once, never longer than HELD; and the slots the chart draws, where an
 *      unknown bar or a hole in the history is an empty slot and never a joined line.
 */
import type { Bar, BarColumns } from './api';
import { secondsOf } from './format';

/** Three screens of candles: paging replaces the list, so it never grows. */
export const HELD = 1500;
/** A hole longer than this is drawn this wide, with its true length written on it. */
export const WIDEST_HOLE = 30;

export const WIDTHS: Readonly<Record<string, number>> = { '1s': 1, '5s': 5, '1m': 60, '5m': 300, '15m': 900, '1h': 3600, '1d': 86400 };

export interface Slot { time: number; bar: Bar | null }
export interface Hole { from: number; to: number; seconds: number; why: 'unknown' | 'missing' }

export function rowsOf(columns: BarColumns): Bar[] {
  return columns.open_ns.map((open_ns, i) => ({
    open_ns, close_ns: columns.close_ns[i]!, open: columns.open[i] ?? null, high: columns.high[i] ?? null, low: columns.low[i] ?? null,
    close: columns.close[i] ?? null, volume: columns.volume[i] ?? null, state: columns.state[i]!, revision: columns.revision[i] ?? 0,
  }));
}

/**
 * Held bars with `incoming` merged in by opening time. A finished bar is never replaced by an open one, nor a later
 * revision by an earlier. When there are too many, `keep` says which end stays.
 */
export function merge(held: readonly Bar[], incoming: readonly Bar[], keep: 'newest' | 'oldest' = 'newest'): Bar[] {
  const byOpen = new Map(held.map((bar) => [bar.open_ns, bar]));
  for (const bar of incoming) {
    const known = byOpen.get(bar.open_ns);
    if (!known || supersedes(bar, known)) byOpen.set(bar.open_ns, bar);
  }
  const all = [...byOpen.values()].sort(byOpening);
  return keep === 'newest' ? all.slice(-HELD) : all.slice(0, HELD);
}

/** One slot per bar plus empty slots for holes in the history. */
export function slotsOf(bars: readonly Bar[], widthSeconds: number): Slot[] {
  const slots: Slot[] = [];
  let expected: number | null = null;
  for (const bar of bars) {
    const time = secondsOf(bar.open_ns);
    if (expected !== null) {
      const missing = Math.min(WIDEST_HOLE, Math.round((time - expected) / widthSeconds));
      for (let i = 0; i < missing; i++) slots.push({ time: expected + i * widthSeconds, bar: null });
    }
    slots.push({ time, bar });
    expected = time + widthSeconds;
  }
  return slots;
}

/** Runs of slots without a price, with the time they really lasted. */
export function holesOf(slots: readonly Slot[], widthSeconds: number): Hole[] {
  const holes: Hole[] = [];
  for (let i = 0; i < slots.length; i++) {
    const first = slots[i]!;
    if (isKnown(first)) continue;
    let last = i;
    while (last + 1 < slots.length && !isKnown(slots[last + 1]!)) last++;
    const end = slots[last + 1]?.time ?? slots[last]!.time + widthSeconds;
    const why = slots.slice(i, last + 1).every((slot) => slot.bar) ? 'unknown' : 'missing';
    holes.push({ from: first.time, to: slots[last]!.time, seconds: end - first.time, why });
    i = last;
  }
  return holes;
}

/** Index of the slot whose interval holds `seconds`, or -1. */
export function slotAt(slots: readonly Slot[], seconds: number, widthSeconds: number): number {
  let low = 0;
  let high = slots.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const time = slots[middle]!.time;
    if (seconds < time) high = middle - 1;
    else if (seconds >= time + widthSeconds) low = middle + 1;
    else return middle;
  }
  return -1;
}

export function isKnown(slot: Slot): boolean {
  return slot.bar !== null && slot.bar.state !== 'unknown' && slot.bar.close !== null;
}

function supersedes(bar: Bar, known: Bar): boolean {
  if (bar.open_bar && !known.open_bar) return false;
  return bar.revision >= known.revision || (known.open_bar === true && !bar.open_bar);
}

function byOpening(a: Bar, b: Bar): number {
  return a.open_ns.length - b.open_ns.length || (a.open_ns < b.open_ns ? -1 : a.open_ns > b.open_ns ? 1 : 0);
}
