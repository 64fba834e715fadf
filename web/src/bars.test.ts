import { expect, test } from 'vitest';
import type { Bar } from './api';
import { HELD, WIDEST_HOLE, holesOf, merge, rowsOf, slotAt, slotsOf } from './bars';

const NS = 1_000_000_000n;

function bar(second: number, close: string | null = '10.00', more: Partial<Bar> = {}): Bar {
  return {
    open_ns: String(BigInt(second) * NS), close_ns: String(BigInt(second + 1) * NS), open: close, high: close, low: close, close,
    volume: close === null ? null : '1', state: close === null ? 'unknown' : 'ok', revision: 0, ...more,
  };
}

test('columns become rows', () => {
  const columns = { open_ns: ['1'], close_ns: ['2'], open: ['1.0'], high: ['2.0'], low: ['0.5'], close: ['1.5'], volume: ['3'], state: ['ok' as const], revision: [0] };
  expect(rowsOf(columns)).toEqual([{ open_ns: '1', close_ns: '2', open: '1.0', high: '2.0', low: '0.5', close: '1.5', volume: '3', state: 'ok', revision: 0 }]);
});

test('a bar that comes twice is held once, in order of time, also across a change of digits', () => {
  const merged = merge([bar(9), bar(10)], [bar(10), bar(8), bar(100)]);
  expect(merged.map((b) => b.open_ns)).toEqual([8, 9, 10, 100].map((s) => String(BigInt(s) * NS)));
});

test('a restated bar replaces its first version, an older revision does not come back', () => {
  const restated = merge([bar(1, '10.00')], [bar(1, '10.50', { revision: 1 })]);
  expect(restated[0]!.close).toBe('10.50');
  expect(merge(restated, [bar(1, '10.00')])[0]!.close).toBe('10.50');
});

test('an open bar gives way to the finished one and never the other way round', () => {
  const open = bar(1, '10.00', { open_bar: true });
  const finished = bar(1, '10.20', { open_bar: false });
  expect(merge([open], [finished])[0]!.close).toBe('10.20');
  expect(merge([finished], [open])[0]!.close).toBe('10.20');
});

test('no more bars are held than three screens, and paging chooses the end that stays', () => {
  const many = Array.from({ length: HELD + 10 }, (_, i) => bar(i));
  expect(merge([], many)).toHaveLength(HELD);
  expect(merge([], many)[0]!.open_ns).toBe(String(10n * NS));
  expect(merge([], many, 'oldest')[0]!.open_ns).toBe('0');
});

test('a flat bar is drawn, an unknown bar and a hole are empty slots', () => {
  const slots = slotsOf([bar(0), bar(1, '10.00', { state: 'flat' }), bar(2, null), bar(5)], 1);
  expect(slots.map((s) => s.time)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(slots.map((s) => s.bar?.state ?? 'none')).toEqual(['ok', 'flat', 'unknown', 'none', 'none', 'ok']);
  expect(holesOf(slots, 1)).toEqual([{ from: 2, to: 4, seconds: 3, why: 'missing' }]);
});

test('a long hole is drawn narrow but keeps its true length', () => {
  const slots = slotsOf([bar(0), bar(3601)], 1);
  expect(slots).toHaveLength(2 + WIDEST_HOLE);
  expect(holesOf(slots, 1)[0]!.seconds).toBe(3600);
});

test('a moment finds the slot that holds it and no neighbour', () => {
  const slots = slotsOf([bar(0), bar(5), bar(200)], 5);
  expect([slotAt(slots, 0, 5), slotAt(slots, 4, 5), slotAt(slots, 5, 5), slotAt(slots, 9, 5), slotAt(slots, 206, 5), slotAt(slots, -1, 5)])
    .toEqual([0, 0, 1, 1, -1, -1]);
  expect(slotAt(slots, 190, 5)).toBe(-1);
});
