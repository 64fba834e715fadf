/** Fills on the picture: where each mark is, and what is counted together when there are too many. */
import type { RunMark } from './data';

export interface Placed extends RunMark { x: number }

/** More marks in sight than this, or than one in so many pixels, are drawn as counts. */
export const MARKS_IN_SIGHT = 200;
const PX_A_MARK = 7;
const COLUMN_PX = 32;

/** Marks with their place; too many become one of each side in every column of some pixels, none is lost. */
export function placed(marks: readonly RunMark[], xOf: (time: number) => number, widthPx: number): Placed[] {
  const all = marks.map((mark) => ({ ...mark, x: xOf(mark.time) }));
  if (all.length <= Math.min(MARKS_IN_SIGHT, widthPx / PX_A_MARK)) return all;
  const columns = new Map<string, Placed>();
  for (const mark of all) {
    const key = `${Math.floor(mark.x / COLUMN_PX)} ${mark.side}`;
    const known = columns.get(key);
    if (known) known.count += mark.count;
    else columns.set(key, { ...mark });
  }
  return [...columns.values()];
}
