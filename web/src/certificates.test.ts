import { expect, test } from 'vitest';
import { lengthOf, partsOf } from './certificates';

const at = (second: number) => String(1_795_348_800_000_000_000n + BigInt(second) * 1_000_000_000n); // 2026-11-22 12:00 UTC
const span = (from: number, to: number, state: string) => ({ from_ns: at(from), to_ns: at(to), state, how: '' });

test('each state is told once, the best first, with the newest holes', () => {
  const found = { spans: [span(0, 3600, 'gap known'), span(3600, 7200, 'complete'), span(7200, 9000, 'complete')],
    holes: [{ from_ns: at(184), to_ns: at(189) }] };
  const parts = partsOf(found);
  expect(parts.map((part) => part.state)).toEqual(['complete', 'gap known']);
  expect(parts[0]!.text).toBe('complete 1 h 30 min');
  expect(parts[1]!.text).toContain('gap known 1 h (');
  expect(parts[1]!.text).toContain('12:03:04');
});

test('nothing stored is no completeness', () => {
  expect(partsOf({ spans: [], holes: [] })).toEqual([{ state: 'cannot tell', text: 'nothing yet' }]);
});

test('lengths are short', () => {
  expect([0n, 59n, 60n, 3660n, 90_061n].map((seconds) => lengthOf(seconds * 1_000_000_000n)))
    .toEqual(['0 s', '59 s', '1 min', '1 h 1 min', '1 d 1 h']);
});
