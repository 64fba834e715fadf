/**
 * Where MAY, HAS and fills stand on the candles.
 *
 * In:  messages and fills of one instrument, and the slots of the chart.
 * Out: marks, each on the slot in which it became known, several of one kind and side counted as one, oldest first.
 *      What falls outside the held bars has no mark: it is never moved to a neighbour.
 */
import type { Fill, Message, Side } from './api';
import { secondsOf } from './format';
import { slotAt, type Slot } from './bars';

export type MarkKind = 'may' | 'has' | 'fill';
/** `price` is set for fills only: they stand at their price, messages above and below the candle. */
export interface Mark { time: number; kind: MarkKind; side: Side | null; count: number; price: string | null }

/** More marks in sight than this are drawn as counts. */
export const MARKS_IN_SIGHT = 200;

export function placeMarks(messages: readonly Message[], fills: readonly Fill[], slots: readonly Slot[], widthSeconds: number): Mark[] {
  const marks = new Map<string, Mark>();
  const put = (ns: string, kind: MarkKind, side: Side | null, price: string | null): void => {
    const slot = slots[slotAt(slots, secondsOf(ns), widthSeconds)];
    if (!slot) return;
    const key = `${slot.time} ${kind} ${side} ${price}`;
    const known = marks.get(key);
    if (known) known.count += 1;
    else marks.set(key, { time: slot.time, kind, side, count: 1, price });
  };
  for (const message of messages) if (message.kind !== 'alarm') put(message.known_ns, message.kind, message.side, null);
  for (const fill of fills) put(fill.exchange_ns, 'fill', fill.side, fill.price);
  return [...marks.values()].sort((a, b) => a.time - b.time);
}

/** The marks of one kind gathered into groups of neighbouring slots until at most `limit` are left. */
export function thinned(marks: readonly Mark[], widthSeconds: number, limit = MARKS_IN_SIGHT): Mark[] {
  let drawn = [...marks];
  for (let bars = 2; drawn.length > limit && bars <= 1024; bars *= 2) drawn = gathered(marks, widthSeconds * bars);
  return drawn;
}

function gathered(marks: readonly Mark[], groupSeconds: number): Mark[] {
  const groups = new Map<string, Mark>();
  for (const mark of marks) {
    const key = `${Math.floor(mark.time / groupSeconds)} ${mark.kind} ${mark.side}`;
    const known = groups.get(key);
    if (known) known.count += mark.count;
    else groups.set(key, { ...mark });
  }
  return [...groups.values()];
}
