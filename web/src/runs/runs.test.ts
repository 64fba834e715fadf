import { expect, test } from 'vitest';
import { runsViewOf, searchOfRuns } from './address';
import { figuresOf, settingsOf, spread, strokeOf, valueAt, type ComparedRun } from './compared';
import { completenessOf, dataOf, gapRowsOf } from './completeness';
import { placeOf, type Figures, type RunMark } from './data';
import { luck, percent, verdict } from './figures';
import { cellsOf, gridOf } from './heat';
import { NEWEST, sorted, type Listed } from './list';
import { placed } from './marks';
import { PackedRun } from './packed';
import { scaleOf, timeTicks, valueTicks, yOf } from './scale';

const DAY = 86400;

test('the last of rising times that is not after a moment', () => {
  expect([4, 5, 12, 99].map((at) => placeOf([5, 10, 20], at))).toEqual([-1, 0, 1, 2]);
});

test('values have room on a scale and its ticks are round', () => {
  const scale = scaleOf([10, Number.NaN, 110], 0, 100);
  expect([scale.low, scale.high]).toEqual([4, 116]);
  expect(yOf(scale, 116)).toBe(0);
  expect(yOf(scale, 4)).toBe(100);
  expect(valueTicks(scale, 25)).toEqual([50, 100]);
  expect(valueTicks(scaleOf([7], 0, 100), 25).every((value) => value > 6 && value < 8)).toBe(true);
});

test('ticks of time begin at hours, days and months', () => {
  expect(timeTicks(3000, 12000, 3600)).toEqual([{ time: 3600, label: '01:00' }, { time: 7200, label: '02:00' }, { time: 10800, label: '03:00' }]);
  expect(timeTicks(DAY - 10, DAY + 10, 5).map(({ label }) => label)).toContain('1970-01-02');
  expect(timeTicks(0, 300 * DAY, 80 * DAY).map(({ label }) => label)).toEqual(['1970', '1970-04', '1970-07', '1970-10']);
});

test('too many marks become counts of each side and none is lost', () => {
  const marks: RunMark[] = Array.from({ length: 500 }, (_, i) => ({ time: i, side: i % 2 ? 'buy' : 'sell', count: 1, trade: String(i) }));
  const drawn = placed(marks, (time) => time, 500);
  expect(drawn.length).toBeLessThanOrEqual(2 * Math.ceil(500 / 32));
  expect(drawn.reduce((sum, mark) => sum + mark.count, 0)).toBe(500);
  expect(placed(marks.slice(0, 20), (time) => time, 500).map(({ x, count }) => [x, count])).toEqual(marks.slice(0, 20).map(({ time }) => [time, 1]));
});

test('a loser is told as one, and so is who never traded', () => {
  expect(verdict({ net_profit: -1234.5, return: -0.12345 }).text).toBe('It lost 1234.50 (\u221212.35 %) after fees.');
  expect(verdict({ net_profit: 0, trades: [], open_trade: null }).text).toBe('It never traded.');
  expect(verdict({ best: [] }).word).toBe('unknown');
  expect(percent(-0.00001, true)).toBe('0.00 %');
});

test('what a run read is told with its gaps, and an earlier version told nothing', () => {
  const hole = { from_ns: '1704122100000000000', to_ns: '1704123900000000000', first_id: '17', last_id: null };
  const completeness = { certified: true, said: '8 hours were read: 7 complete, 1 gap known.', lacking: '1 gap is known.', gaps_known: 1, unknown_bars: 12, instruments: [{ instrument: 'binance:BTC/USDT', holes: [hole] }] };
  expect(completenessOf({ completeness })).toEqual({ said: completeness.said, lacking: '1 gap is known.' });
  expect(gapRowsOf({ completeness })).toEqual([{ instrument: 'binance:BTC/USDT', from: '2024-01-01 15:15:00 UTC', to: '2024-01-01 15:45:00 UTC', first_missing_id: '17', last_missing_id: '-' }]);
  expect(dataOf({ completeness })).toBe('1 gap, 12 unknown');
  expect(dataOf({ completeness: { ...completeness, gaps_known: 0, unknown_bars: 0 } })).toBe('no gap known');
  expect(dataOf({ completeness: { ...completeness, certified: false, gaps_known: null, unknown_bars: 0 } })).toBe('a file');
  expect([dataOf({}), completenessOf({}), gapRowsOf({})]).toEqual(['-', null, []]);
});

test('luck is told of a run, and of the best of a sweep', () => {
  expect(luck({ trial: 7, trials: 412, effective_trials: 35.2, deflated_sharpe: 0.41 })).toBe(
    'Trial 7 is one of 412 of its family, worth 35.20 independent ones. The probability that it is better than the best of as many without an edge (deflated Sharpe) is 41.0 %. Luck alone may have found it.');
  expect(luck({ trial: 1, trials: 9, best: [{ trial: 4, deflated_sharpe: 0.99 }] })).toMatch(/^The best, trial 4, is one of 9 .* is 99.0 %\.$/);
  expect(luck({ trials: 9, deflated_sharpe: null })).toMatch(/cannot be told/);
  expect(luck({ trials: 9, leaderboard: [{ trial: null, null_twin: true, deflated_sharpe: 0.9 }, { trial: 5, null_twin: false, deflated_sharpe: 0.2 }] })).toMatch(/^The best, trial 5, is one of 9\. .* 20\.0 %\. Luck alone/);
});

test('cells of a sweep go down by the first parameter and across by the second, the best over all others', () => {
  const grid = gridOf({ grid: { axes: { a: [1, 2], b: ['x', 'y'], c: [7, 8] }, sharpe: [1, 2, 3, null, 5, 4, -1, -2], other: [1] } })!;
  expect(grid.columns.map(([name]) => name)).toEqual(['sharpe']);
  expect(cellsOf(grid, grid.columns[0]![1], 0, 1)).toEqual({ rows: [1, 2], columns: ['x', 'y'], values: [[2, 3], [5, -1]], best: [1, 0] });
  expect(cellsOf(grid, grid.columns[0]![1], 2, 2).values).toEqual([[5, 4]]);
  expect(gridOf({ grid: { sharpe: [1] } })).toBeNull();
});

test('runs sort either way, what is not known last, the newer of equals first', () => {
  const runs = [['1', 0.5], ['2', null], ['3', -0.5], ['4', 0.5]].map(([number, part]) => ({ number, kind: 'backtest', known_ns: '1', config: {}, summary: { return: part } }) as unknown as Listed);
  expect(sorted(runs, { name: 'return', down: true }).map(({ number }) => number)).toEqual(['4', '1', '3', '2']);
  expect(sorted(runs, { name: 'return', down: false }).map(({ number }) => number)).toEqual(['3', '4', '1', '2']);
  expect(sorted(runs, { name: 'nonsense', down: true }).map(({ number }) => number)).toEqual(['4', '3', '2', '1']);
});

test('the address says what is shown, and nonsense in it is passed over', () => {
  const view = { run: '17', compare: null, from: 100, to: 200, trade: '3', sorting: { name: 'return', down: true } };
  expect(searchOfRuns(view)).toBe('?sort=-return&run=17&from=100&to=200&trade=3');
  expect(runsViewOf(searchOfRuns(view))).toEqual(view);
  expect(searchOfRuns(runsViewOf('?run=../1&from=9&to=5&trade=x&sort=%3Cb%3E'))).toBe('');
});

test('runs beside each other are an address, of two to eight', () => {
  const view = { run: null, compare: ['3', '7', '12'], from: null, to: null, trade: null, sorting: NEWEST };
  expect(searchOfRuns(view)).toBe('?compare=3,7,12');
  expect(runsViewOf('?compare=3,x,7,3,12')).toEqual(view);
  expect(runsViewOf('?compare=3,3').compare).toBeNull();
  expect(runsViewOf('?compare=1,2,3,4,5,6,7,8,9').compare).toHaveLength(8);
});

const ran = (number: string, config: Figures, summary: Figures): ComparedRun => ({ number, kind: 'backtest', config, summary, trades: 3 });

test('settings that differ are told apart from those that are the same for all', () => {
  const [one, other] = [ran('1', { bars: '/d/a.parquet', set: { fast: 5 }, fee: 0.001, spare: null }, { strategy: 's', set: { fast: 5 } }), ran('2', { bars: '/d/b.parquet', set: { fast: 9 }, fee: 0.001 }, { strategy: 's', set: { fast: 9, slow: 3 } })];
  expect(settingsOf([one, other])).toEqual({
    differing: [['fast', ['5', '9']], ['bars', ['a.parquet', 'b.parquet']], ['slow', ['-', '3']]],
    alike: [['strategy', 's'], ['kind', 'backtest'], ['fee', '0.001']],
  });
  expect(settingsOf([one, one]).differing).toEqual([]);
});

test('figures that no run has are left out, and a loser has its sign', () => {
  const rows = figuresOf([ran('1', {}, { return: -0.05, net_profit: -5, buy_and_hold: { return: 0.1 } }), ran('2', {}, { kind: 'sweep' })]);
  expect(rows).toEqual([['return', ['\u22125.00 %', '-']], ['buy and hold', ['+10.00 %', '-']], ['trades', ['3', '-']]]);
});

test('a curve has a value from its first close to its end, and none outside', () => {
  const curve = { runs: ['1'], from: 100, to: 130, width: 10, time: [100, 110, 120], low: [], high: [], last: [1.1, Number.NaN, 0.9], fall: [0, 0, 0.2] };
  expect([99, 105, 110, 119, 120, 130, 131].map((at) => valueAt(curve, at)?.last ?? null)).toEqual([null, null, 1.1, 1.1, null, 0.9, null]);
});

test('labels beside each other are apart and none leaves the picture', () => {
  const at = (...places: [number, number][]): { x: number; y: number }[] => places.map(([x, y]) => ({ x, y }));
  expect(spread(at([0, 50], [0, 10], [0, 52]), 40, 14, 200)).toEqual([50, 10, 64]);
  expect(spread(at([0, 100], [0, 98], [9, 99]), 40, 14, 100)).toEqual([100, 72, 86]);
  expect(spread(at([0, 50], [40, 50]), 40, 14, 200)).toEqual([50, 50]);
});

test('no two of eight lines look alike', () => {
  expect(new Set(Array.from({ length: 8 }, (_, place) => strokeOf(place)).map(({ colour, dash }) => `${colour} ${dash}`)).size).toBe(8);
});

test('a packed run answers with the levels and prices it was packed from', async () => {
  const columns = [['time', [60, 60, 60]], ['gap', [10000, 0, -5], false, 0.01], ['body', [5, -10, 0], false, 0.01], ['above', [1, 2, 0], false, 0.01], ['below', [3, 0, 0], false, 0.01], ['known', [1, 0, -1]],
    ['equity_last', [100, -1, 0], true, 2], ['fall', [0, 1, 0]], ['mark_row', [0, 1]], ['mark_side', [1, -2]], ['mark_fills', [1, 2]], ['mark_trade', [0, 4]]] as [string, number[], boolean?, number?][];
  const said = columns.map(([name, numbers, summed = true, step = 1]) => ({ name, rows: numbers.length, summed, step }));
  const text = new TextEncoder().encode(JSON.stringify({ document: {}, trades: [], calendar: {}, decimals: 2, levels: [{ timeframe: '1m', width_s: 60, columns: said }] } satisfies Figures));
  const bytes = columns.flatMap(([, numbers]) => {
    const folded = numbers.map((number) => (number < 0 ? -2 * number - 1 : 2 * number));
    return [0, 8, 16, 24].flatMap((shift) => folded.map((number) => (number >>> shift) & 255));
  });
  const run = PackedRun.of(new Uint8Array([...new Uint8Array(new Uint32Array([text.length]).buffer), ...text, ...bytes]).buffer);
  const { time, open, high, low, close, marks } = await run.candles(0, 1000, 100);
  expect([time, run.span]).toEqual([[60, 120, 180], [60, 240]]);
  expect([open, high, low, close].map((prices) => prices.map((price) => Math.round(price * 100)))).toEqual([[10000, 10005, Number.NaN], [10006, 10007, Number.NaN], [9997, 9995, Number.NaN], [10005, 9995, Number.NaN]]);
  expect(marks).toEqual([{ time: 60, side: 'buy', count: 1, trade: '1' }, { time: 120, side: 'sell', count: 3, trade: '5' }]);
  expect((await run.equity(110, 1000, 100))!.last).toEqual([200, 198, 198]);
  expect((await run.candles(125, 1000, 100)).time).toEqual([120, 180]);
});
