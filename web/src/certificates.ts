/**
 * Certificates in few words.
 *
 * In:  spans of one state each, and the holes in them. Out: text.
 */
import { secondsOf, utc } from './format';

interface Span { from_ns: string; to_ns: string; state: string; how: string }
interface Hole { from_ns: string; to_ns: string }
export interface Completeness { spans: Span[]; holes: Hole[] }

const SHOWN_HOLES = 2;

/** "complete 2 h 5 min", "gap known 1 h (12:03:04 to 12:03:09 UTC)": each state once, the best first. */
export function partsOf(found: Completeness): { state: string; text: string }[] {
  const lasted = new Map<string, bigint>();
  for (const span of found.spans) lasted.set(span.state, (lasted.get(span.state) ?? 0n) + BigInt(span.to_ns) - BigInt(span.from_ns));
  const states = ['complete', 'healed', 'cannot tell', 'gap known', 'let go'].filter((state) => lasted.has(state));
  if (!states.length) return [{ state: 'cannot tell', text: 'nothing yet' }];
  return states.map((state) => ({ state, text: `${state} ${lengthOf(lasted.get(state)!)}${state === 'gap known' ? holesOf(found.holes) : ''}` }));
}

function holesOf(holes: readonly Hole[]): string {
  const told = holes.slice(-SHOWN_HOLES).map((hole) => `${utc(secondsOf(hole.from_ns))} to ${utc(secondsOf(hole.to_ns))}`);
  if (!told.length) return '';
  return ` (${holes.length > SHOWN_HOLES ? `${holes.length - SHOWN_HOLES} more, ` : ''}${told.join(', ')})`;
}

/** Whole minutes, or seconds below one. */
export function lengthOf(ns: bigint): string {
  const seconds = Number(ns / 1_000_000_000n);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  const parts = [[days, 'd'], [hours, 'h'], [minutes % 60, 'min']] as const;
  return parts.filter(([count]) => count).map(([count, unit]) => `${count} ${unit}`).slice(0, 2).join(' ');
}
