import { expect, test } from 'vitest';
import type { Fill, Message } from './api';
import { placeMarks, thinned, type Mark } from './marks';
import type { Slot } from './bars';

const slots: Slot[] = [0, 5, 10].map((time) => ({ time, bar: null }));

function message(second: number, kind: Message['kind'], more: Partial<Message> = {}): Message {
  return {
    id: `${kind}${second}`, kind, known_ns: `${second}000000007`, instrument: 'binance:BTC/USDT', strategy: 's', side: 'buy', probability: 0.6,
    price_low: null, price_high: null, horizon_ns: null, text: '', outcome: null, may_id: null, slack: false, ...more,
  };
}

function fill(second: number, price: string): Fill {
  return { client_order_id: 'a', instrument: 'binance:BTC/USDT', side: 'sell', price, size: '1', fee: '0', fee_asset: 'USDT', exchange_ns: `${second}000000000` };
}

test('a mark stands on the bar in which it became known', () => {
  const marks = placeMarks([message(9, 'may'), message(10, 'has')], [fill(4, '10.00')], slots, 5);
  expect(marks.map((m) => [m.time, m.kind, m.side, m.price])).toEqual([[0, 'fill', 'sell', '10.00'], [5, 'may', 'buy', null], [10, 'has', 'buy', null]]);
});

test('what is outside the held bars and what is an alarm has no mark', () => {
  expect(placeMarks([message(15, 'may'), message(3, 'alarm')], [fill(99, '1')], slots, 5)).toEqual([]);
});

test('several of one kind and side on a bar are one mark that says how many', () => {
  const marks = placeMarks([message(5, 'may'), message(6, 'may'), message(7, 'may', { side: 'sell' })], [], slots, 5);
  expect(marks.map((m) => [m.side, m.count])).toEqual([['buy', 2], ['sell', 1]]);
});

test('too many marks in sight become counts and none is lost', () => {
  const many: Mark[] = Array.from({ length: 500 }, (_, i) => ({ time: i, kind: 'may', side: 'buy', count: 1, price: null }));
  const drawn = thinned(many, 1);
  expect(drawn.length).toBeLessThanOrEqual(200);
  expect(drawn.reduce((sum, mark) => sum + mark.count, 0)).toBe(500);
  expect(thinned(many.slice(0, 20), 1)).toEqual(many.slice(0, 20));
});
