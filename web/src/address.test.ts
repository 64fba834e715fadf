import { expect, test } from 'vitest';
import { FIRST_FORMULA, searchOf, viewOf } from './address';

test('address in, address out: every view survives', () => {
  for (const formula of ['rsi(close, 14)', 'zscore(close, 60) * -imbalance(book, 5)', 'a & b + "c" % #d']) {
    for (const timeframe of ['1s', '5m', '1d']) {
      const view = { instrument: 'binance:BTC/USDT', timeframe, formula };
      expect(viewOf(searchOf(view))).toEqual(view);
    }
  }
});

test('an empty or foolish address shows the defaults', () => {
  expect(viewOf('')).toEqual({ instrument: null, timeframe: '1s', formula: FIRST_FORMULA });
  expect(viewOf('?timeframe=7y&formula=').timeframe).toBe('1s');
  expect(viewOf('?timeframe=toString').timeframe).toBe('1s');
});
