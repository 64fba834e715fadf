/**
 * How complete the hours are that a run read, as its document carries it.
 *
 * In:  a document, or the summary of one in a list. Out: sentences, rows of known gaps, a few words for a list. A run of an
 *      earlier version says nothing of it.
 */
import { secondsOf, utc } from '../format';
import type { Figures } from './data';

interface Hole { from_ns: string; to_ns: string; first_id: string | null; last_id: string | null }
interface Carried { certified: boolean; said: string; lacking: string | null; gaps_known: number | null; unknown_bars: number; instruments?: { instrument: string; holes: Hole[] }[] }

function carriedOf(of: Figures): Carried | null {
  const found = of.completeness as Partial<Carried> | null | undefined;
  return found && typeof found.said === 'string' ? (found as Carried) : null;
}

/** What is complete, and what is lacking where something is. */
export function completenessOf(of: Figures): { said: string; lacking: string | null } | null {
  const found = carriedOf(of);
  return found && { said: found.said, lacking: found.lacking ?? null };
}

/** A row a known gap. */
export function gapRowsOf(of: Figures): Figures[] {
  const at = (ns: string): string => `${utc(secondsOf(ns))} UTC`;
  return (carriedOf(of)?.instruments ?? []).flatMap(({ instrument, holes }) =>
    holes.map((hole) => ({ instrument, from: at(hole.from_ns), to: at(hole.to_ns), first_missing_id: hole.first_id ?? '-', last_missing_id: hole.last_id ?? '-' })));
}

/** "2 gaps, 3 unknown" (bars), "no gap known", "a file". */
export function dataOf(summary: Figures): string {
  const found = carriedOf(summary);
  if (!found) return '-';
  const gaps = found.gaps_known ?? 0;
  const lacks = [gaps ? `${gaps} gap${gaps > 1 ? 's' : ''}` : '', found.unknown_bars ? `${found.unknown_bars} unknown` : ''].filter(Boolean);
  return [...(found.certified ? [] : ['a file']), ...(found.certified && !lacks.length ? ['no gap known'] : lacks)].join(', ');
}
