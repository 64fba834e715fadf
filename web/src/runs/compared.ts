/**
 * Runs beside each other: what of them differs, what each was worth at a moment, and how its line looks.
 *
 * Curves are parts of what they began with: 1 at the start. Times in seconds since 1970 UTC.
 */
import type { Colours } from '../theme';
import { dataOf } from './completeness';
import { fileOf, placeOf, type EquityLine, type Figures } from './data';
import { money, num, percent, ratio, valueText } from './figures';

export interface ComparedRun { number: string; kind: string; config: Figures; summary: Figures; trades: number }
/** `runs`: of an equity the one, of a market those that ran on it. */
export interface Curve extends EquityLine { runs: readonly string[]; from: number; to: number }
export interface Compared { runs: ComparedRun[]; curves: Curve[]; markets: Curve[] }
/** One row of a table with a column for each run. */
export type Row = [name: string, texts: string[]];

const DASHES: readonly (readonly number[])[] = [[], [8, 3], [3, 3], [10, 3, 2, 3]];
const LINES = ['line1', 'line2', 'line3', 'line4', 'line5', 'line6'] as const;

/** Of the line of a run by its place: no two of eight share both. */
export function strokeOf(place: number): { colour: keyof Colours; dash: readonly number[] } {
  return { colour: LINES[place % LINES.length]!, dash: DASHES[place % DASHES.length]! };
}

/** From the first start to the last end; null where no run has a curve. */
export function spanOf(curves: readonly Curve[]): [number, number] | null {
  return curves.length ? [Math.min(...curves.map(({ from }) => from)), Math.max(...curves.map(({ to }) => to))] : null;
}

/** What a curve was worth, at the last close by a moment, and how far below its best; null outside its time. */
export function valueAt(curve: Curve, at: number): { last: number; fall: number } | null {
  if (at < curve.from || at > curve.to) return null;
  const row = at === curve.to ? curve.time.length - 1 : placeOf(curve.time, at - curve.width);
  return row < 0 || Number.isNaN(curve.last[row]!) ? null : { last: curve.last[row]!, fall: curve.fall[row]! };
}

export function nameOf({ kind, summary }: ComparedRun): string {
  const settings = Object.entries((summary.set ?? {}) as Figures).map(([name, value]) => `${name}=${String(value)}`);
  return [String(summary.strategy ?? kind), ...settings].join(' ');
}

/** Settings that are not the same for all, and those that are: of what was asked for and what it ran on. */
export function settingsOf(runs: readonly ComparedRun[]): { differing: Row[]; alike: [name: string, text: string][] } {
  const all = runs.map(({ kind, config, summary }) => {
    const { set: asked, bars, ...others } = config;
    const { strategy, timeframe, from, to, set } = summary;
    return { strategy, ...(asked as Figures | undefined), ...(set as Figures | undefined), kind, bars: fileOf(bars), timeframe, from, to, ...others } as Figures;
  });
  const names = [...new Set(all.flatMap((settings) => Object.keys(settings)))];
  const rows = names.map((name): Row => [name, all.map((settings) => valueText('', settings[name]))]);
  const differs = ([, texts]: Row): boolean => texts.some((text) => text !== texts[0]);
  return { differing: rows.filter(differs), alike: rows.filter((row) => !differs(row) && row[1][0] !== '-').map(([name, texts]) => [name, texts[0]!]) };
}

const inner = (of: unknown, name: string): number | null => num((of as Figures | null | undefined)?.[name]);
const FIGURES: readonly [string, (run: ComparedRun) => string][] = [
  ['what it read', ({ summary }) => dataOf(summary)],
  ['return', ({ summary }) => percent(num(summary.return), true)],
  ['buy and hold', ({ summary }) => percent(inner(summary.buy_and_hold, 'return'), true)],
  ['net a week, scaled', ({ summary }) => percent(inner(summary.weekly, 'scaled'), true)],
  ['deflated Sharpe', ({ summary }) => percent(num(summary.deflated_sharpe), false, 1)],
  ['trials so far', ({ summary }) => valueText('', summary.trials)],
  ['worth independent', ({ summary }) => ratio(num(summary.effective_trials))],
  ['Sharpe, a year', ({ summary }) => ratio(num(summary.sharpe)) + (num(summary.sharpe_error) === null ? '' : ` \u00b1 ${ratio(num(summary.sharpe_error))}`)],
  ['deepest fall', ({ summary }) => percent(num(summary.drawdown))],
  ['longest fall, days', ({ summary }) => ratio(num(summary.drawdown_days))],
  ['trades', ({ summary, trades }) => ('net_profit' in summary ? String(trades) : '-')],
  ['turnover', ({ summary }) => ratio(num(summary.turnover))],
  ['exposure', ({ summary }) => percent(num(summary.exposure), false, 1)],
  ['fees', ({ summary }) => money(num(summary.fees))],
  ['costs, of what was earned', ({ summary }) => (summary.cost_share === null ? 'nothing earned' : percent(num(summary.cost_share), false, 1))],
];

/** The figures that any of the runs has. */
export function figuresOf(runs: readonly ComparedRun[]): Row[] {
  return FIGURES.map(([name, text]): Row => [name, runs.map(text)]).filter(([, texts]) => texts.some((text) => text !== '-'));
}

/** Heights for labels: those nearer than `near` to the left or right are at least `apart`, none is below `bottom`, each as near
 * to where it wants to be as that lets it. */
export function spread(wanted: readonly { x: number; y: number }[], near: number, apart: number, bottom: number): number[] {
  const places = wanted.map(({ y }) => y);
  const order = places.map((_, i) => i).sort((a, b) => places[a]! - places[b]!);
  const beside = (i: number, others: readonly number[]): number[] => others.filter((other) => Math.abs(wanted[other]!.x - wanted[i]!.x) < near).map((other) => places[other]!);
  order.forEach((i, at) => { places[i] = Math.max(places[i]!, ...beside(i, order.slice(0, at)).map((y) => y + apart)); });
  order.forEach((_, back) => {
    const at = order.length - 1 - back;
    const i = order[at]!;
    places[i] = Math.min(places[i]!, bottom, ...beside(i, order.slice(at + 1)).map((y) => y - apart));
  });
  return places;
}
