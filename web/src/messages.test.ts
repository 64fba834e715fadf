import { expect, test } from 'vitest';
import type { Message } from './api';
import { mergeMessages } from './messages';

function message(id: string, known_ns: string, outcome: Message['outcome'] = null): Message {
  return {
    id, kind: 'may', known_ns, instrument: null, strategy: null, side: null, probability: null, price_low: null, price_high: null, horizon_ns: null,
    text: '', outcome, may_id: null, slack: false,
  };
}

test('messages stand newest first, to the nanosecond', () => {
  const merged = mergeMessages([message('1', '1795000000000000001')], [message('3', '1795000000000000003'), message('2', '1795000000000000002')]);
  expect(merged.map((m) => m.id)).toEqual(['3', '2', '1']);
});

test('a message that comes again brings its outcome and does not stand twice', () => {
  expect(mergeMessages([message('1', '5', 'open')], [message('1', '5', 'kept')])).toEqual([message('1', '5', 'kept')]);
});

test('no more than 200 are held and the oldest go first', () => {
  const many = Array.from({ length: 230 }, (_, i) => message(String(i), String(i)));
  const held = mergeMessages([], many);
  expect([held.length, held[0]!.id, held.at(-1)!.id]).toEqual([200, '229', '30']);
});
