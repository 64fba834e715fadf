import { describe, expect, test } from 'vitest';
import {
  age, digitGroups, duration, fromTicks, horizon, measured, rate, roundDecimal, secondsOf, signedDifference, toTicks, utc,
} from './format';

describe('prices are integers of the smallest step', () => {
  test.each([['61203.10', 2, 6120310], ['0.00000512', 8, 512], ['61203', 2, 6120300], ['-1.5', 1, -15], ['7.100', 1, 71]])(
    '%s at %i decimals is %i ticks', (text, decimals, ticks) => {
      expect(toTicks(text, decimals)).toBe(ticks);
    });
  test('and come back as the same text', () => {
    for (const ticks of [0, 1, 99, 100, 6120310]) {
      expect(toTicks(fromTicks(ticks, 2), 2)).toBe(ticks);
    }
    expect(fromTicks(512, 8)).toBe('0.00000512');
  });
  test('a price finer than the step is refused, never rounded', () => {
    expect(() => toTicks('1.005', 2)).toThrow(/1\.005.*2 decimals/);
    expect(() => toTicks('1e5', 2)).toThrow();
  });
});

test('money is rounded as text, so cents beyond 2^53 stay right', () => {
  expect(roundDecimal('100000.125', 2)).toBe('100000.13');
  expect(roundDecimal('99.995', 2)).toBe('100.00');
  expect(roundDecimal('-0.001', 2)).toBe('0.00');
  expect(roundDecimal('90071992547409931.014', 2)).toBe('90071992547409931.01');
  expect(roundDecimal('5', 2)).toBe('5.00');
});

test('profit carries its sign, a true minus, and nothing at zero', () => {
  expect(signedDifference('100000.12', '99999.02', 2)).toBe('+1.10');
  expect(signedDifference('99.5', '100', 2)).toBe('\u22120.50');
  expect(signedDifference('100', '100.00', 2)).toBe('0.00');
});

test('digits are grouped by threes for the eye only: joined they are the text of the API', () => {
  expect(digitGroups('1234567.891')).toEqual(['1', '234', '567.891']);
  expect(digitGroups('999.12')).toEqual(['999.12']);
  expect(digitGroups('\u22121234')).toEqual(['\u22121', '234']);
  expect(digitGroups('61203.10').join('')).toBe('61203.10');
});

test.each([[7, '7 ns'], [999, '999 ns'], [84_000, '84.0 us'], [999_600, '1.00 ms'], [410_000, '410 us'], [3_140_000, '3.14 ms'],
  [2_500_000_000, '2.50 s'], [0, '0'], [null, '?'], [Number.NaN, '-'], ['90000', '90.0 us'], [-1_272_000_000, '\u22121.27 s']])(
  'a latency of %s ns reads %s', (ns, text) => {
    expect(duration(ns)).toBe(text);
  });

test('ages, rates, horizons and values read as a person would say them', () => {
  expect([age(200), age(12_000), age(75_000), age(7_260_000), age(3_600_000)]).toEqual(['0.2 s', '12 s', '1 min 15 s', '2 h 1 min', '1 h']);
  expect([rate(0.0421), rate(3.14), rate(312.4), rate(0), rate(null)]).toEqual(['0.042', '3.1', '312', '0', '?']);
  expect([horizon('60000000000'), horizon('420000000000'), horizon('7200000000000')]).toEqual(['60 s', '7 min', '2 h']);
  expect([measured(53.21456), measured(-1.5), measured(null), measured(0), measured(61203.14)]).toEqual(['53.215', '\u22121.5', '-', '0', '61203.1']);
});

test('times are UTC wherever the browser is', () => {
  expect(utc(1_795_000_000)).toBe('2026-11-18 11:06:40');
  expect(utc(0, 'time')).toBe('00:00:00');
  expect(secondsOf('1795000000999999999')).toBe(1_795_000_000);
});
