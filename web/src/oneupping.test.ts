import { expect, test } from 'vitest';
import type { Instrument } from './api';
import { oneUppingText } from './oneupping';

const quoted = (one_upping: number | null, one_upped_since_ns: string | null): Instrument => ({ id: 1, name: 'a', venue: 'v', symbol: 's', base: 'B', quote: 'Q', price_decimals: 2, size_decimals: 2, one_upping, one_upped_since_ns });

test('who keeps one step ahead is told with the score and since when, and nobody is not', () => {
  expect(oneUppingText(quoted(0.615, '1700000000000000001'))).toBe('Somebody keeps quoting one step ahead of the best price: 62 %, since 2023-11-14 22:13:20 UTC');
  expect(oneUppingText(quoted(0.2, null))).toBeNull();
  expect(oneUppingText(quoted(null, null))).toBeNull();
});
