/**
 * What a run came to, the honest numbers first.
 *
 * In:  the document of a command. Out: a verdict in plain words, the figures that say whether to believe it, the same of buy
 *      and hold beside it, and everything else that is a single value. What a document lacks is not shown.
 */
import { element, number } from '../dom';
import { roundDecimal } from '../format';
import { completenessOf } from './completeness';
import type { Calendar, Figures, Head } from './data';

const MINUS = '\u2212';
const SURE = 0.95;
const TABLED = ['equity', 'net_profit', 'return', 'drawdown', 'drawdown_days', 'sharpe', 'sortino', 'calmar'];
const TOLD = new Set([...TABLED, 'trial', 'trials', 'effective_trials', 'deflated_sharpe', 'fees', 'strategy', 'timeframe', 'from', 'to']);
const MONEY = /^(equity|net_profit|fees|slippage|funding|pnl)$/;
const RATIOS = /sharpe|sortino|calmar|turnover|skew|kurtosis/;
const FRACTIONS = /return|drawdown|exposure|probabil|deflated|share|fee$|power|familywise|overfitting|^pbo$/;

export function num(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function money(value: number | null, signed = false): string {
  if (value === null) return '-';
  const text = roundDecimal(value.toFixed(2), 2).replace('-', MINUS);
  return signed && value > 0 ? `+${text}` : text;
}

export function percent(value: number | null, signed = false, places = 2): string {
  if (value === null) return '-';
  const text = (value * 100).toFixed(places).replace('-', MINUS);
  return `${signed && value > 0 ? '+' : ''}${/[1-9]/.test(text) ? text : text.replace(MINUS, '')} %`;
}

export function ratio(value: number | null): string {
  return value === null ? '-' : value.toFixed(2).replace('-', MINUS);
}

/** A single value as text, by what its name says it is. */
export function valueText(name: string, value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'number') return typeof value === 'object' ? JSON.stringify(value) : String(value);
  if (FRACTIONS.test(name)) return percent(value);
  if (MONEY.test(name)) return money(value);
  if (RATIOS.test(name)) return ratio(value);
  return Number.isInteger(value) ? String(value).replace('-', MINUS) : String(Number(value.toPrecision(6))).replace('-', MINUS);
}

/** How the run went, in a sentence that a loser cannot be mistaken in. */
export function verdict(of: Figures): { word: 'lost' | 'earned' | 'nothing' | 'unknown'; text: string } {
  const [net, part] = [num(of.net_profit), num(of.return)];
  if (net === null) return { word: 'unknown', text: 'The result of this run is a table.' };
  const trades = Array.isArray(of.trades) ? of.trades.length : null;
  if (net === 0) return { word: 'nothing', text: trades === 0 && !of.open_trade ? 'It never traded.' : 'It earned nothing.' };
  const word = net < 0 ? 'lost' : 'earned';
  return { word, text: `It ${word} ${money(Math.abs(net))}${part === null ? '' : ` (${percent(part, true)})`} after fees.` };
}

/** How likely the run, or the best of many, is luck. */
export function luck(of: Figures): string | null {
  const best = bestOf(of);
  const [trial, trials, worth, deflated] = [num((best ?? of).trial), num(of.trials), num(of.effective_trials), num((best ?? of).deflated_sharpe)];
  if (trials === null) return null;
  const who = trial === null ? (best ? 'The best' : 'This') : best ? `The best, trial ${trial},` : `Trial ${trial}`;
  const among = `${who} is one of ${trials}${of.leaderboard ? '' : ' of its family'}${worth === null ? '' : `, worth ${ratio(worth)} independent ones`}.`;
  if (deflated === null) return `${among} How likely it is to be better than luck cannot be told.`;
  const sure = deflated >= SURE ? '' : ' Luck alone may have found it.';
  return `${among} The probability that it is better than the best of as many without an edge (deflated Sharpe) is ${percent(deflated, false, 1)}.${sure}`;
}

/** The best row of a sweep or a tournament; a null twin is none. */
function bestOf(of: Figures): Figures | undefined {
  const rows = [of.best, of.leaderboard].find(Array.isArray) as Figures[] | undefined;
  return rows?.find((row) => row.null_twin !== true);
}

function besideHold(of: Figures): string | null {
  const held = of.buy_and_hold as Figures | undefined;
  const [mine, hold] = [num(of.net_profit), num(held?.net_profit)];
  const [best, end] = [num(bestOf(of)?.equity), num(held?.equity)];
  if (mine === null && best !== null && end !== null) return `The best ended with ${money(best)}, buy and hold with ${money(end)}.`;
  if (mine === null || hold === null) return null;
  return `Buy and hold ${hold < 0 ? 'lost' : 'earned'} ${money(Math.abs(hold))}: ${hold > mine ? 'better than this run' : hold < mine ? 'worse than this run' : 'the same'}.`;
}

export function drawFigures({ document: of, calendar, config }: Head): HTMLElement {
  const { word, text } = verdict(of);
  const shape = { lost: '\u25bc ', earned: '\u25b2 ', nothing: '', unknown: '' }[word];
  const said = [besideHold(of), luck(of)].filter((line) => line !== null);
  return element('section', 'figures',
    element('p', `verdict ${word}`, shape + text), ...said.map((line) => element('p', 'said', line)), ...completeness(of), tiles(of, calendar), beside(of), rest(of, config));
}

function completeness(of: Figures): HTMLElement[] {
  const found = completenessOf(of);
  if (!found) return [];
  return [element('p', 'said muted', found.said), ...(found.lacking === null ? [] : [element('p', 'said failed', found.lacking)])];
}

function tiles(of: Figures, calendar: Calendar): HTMLElement {
  const weekly = weekOf(of, calendar);
  const all: [string, string, string][] = [
    ['net a week', weekly.text, weekly.how],
    ['trials so far', valueText('', of.trials), num(of.effective_trials) === null ? '' : `worth ${ratio(num(of.effective_trials))}`],
    ['deflated Sharpe', percent(num(of.deflated_sharpe), false, 1), 'probability of more than luck'],
    ['fees', money(num(of.fees)), feesShare(of)],
    ['Sharpe, a year', ratio(num(of.sharpe)), num(of.sharpe_error) === null ? '' : `\u00b1 ${ratio(num(of.sharpe_error))}`],
    ['deepest fall', percent(num(of.drawdown)), 'below its best before'],
  ];
  const keys = ['net_profit', 'trials', 'deflated_sharpe', 'fees', 'sharpe', 'drawdown'];
  const shown = all.filter((_, i) => keys[i]! in of);
  return element('dl', 'tiles', ...shown.map(([name, value, how]) => element('div', '', element('dt', '', name), element('dd', '', value), element('small', '', how))));
}

/** The document's own weekly figure with its interval, or the plain mean of whole weeks. */
function weekOf(of: Figures, { weeks }: Calendar): { text: string; how: string } {
  const given = of.weekly as Figures | null | undefined;
  const scaled = num(given?.scaled);
  if (given && scaled !== null) {
    const interval = Array.isArray(given.scaled_interval) ? given.scaled_interval.map(num) : [];
    const [low = null, high = null] = interval;
    return { text: percent(scaled, true), how: low === null || high === null ? 'no interval: too few weeks' : `95 %: ${percent(low, true)} to ${percent(high, true)}` };
  }
  const whole = weeks.filter((week) => week.whole && week.return !== null);
  if (!whole.length) return { text: '-', how: 'no whole week' };
  return { text: percent(whole.reduce((sum, week) => sum + week.return!, 0) / whole.length, true), how: `mean of ${whole.length} whole week${whole.length > 1 ? 's' : ''}` };
}

function feesShare(of: Figures): string {
  const [fees, net] = [num(of.fees), num(of.net_profit)];
  if (fees === null || net === null) return '';
  if (fees === 0) return 'none paid';
  const before = net + fees;
  if (before <= 0) return 'nothing was earned before them';
  return fees > before ? 'more than was earned before them' : `${percent(fees / before, false, 0)} of what was earned before them`;
}

function beside(of: Figures): HTMLElement | string {
  const hold = of.buy_and_hold as Figures | undefined;
  const rows = TABLED.filter((name) => name in of).map((name) => [name.replace('_', ' '), besideText(name, of[name]), besideText(name, hold?.[name])]);
  for (const [name, key] of [['a week, scaled by volatility', 'scaled'], ['a week, raw', 'raw']] as const) {
    if (weekText(of, key)) rows.push([name, weekText(of, key)!, weekText(hold ?? {}, key) ?? '-']);
  }
  if (!hold || !rows.length) return '';
  const drawn = rows.map(([name, mine, other]) => element('tr', '', element('th', '', name!), element('td', '', number(mine!)), element('td', '', number(other!))));
  const heads = ['', 'this run', 'buy and hold'].map((name) => element('th', '', name));
  return element('div', 'scroll', element('table', 'beside', element('caption', 'unseen', 'The run beside buy and hold'), element('thead', '', element('tr', '', ...heads)), element('tbody', '', ...drawn)));
}

function besideText(name: string, value: unknown): string {
  if (name === 'equity' || name === 'net_profit') return money(num(value), name === 'net_profit');
  return name === 'return' || name === 'drawdown' ? percent(num(value), name === 'return') : ratio(num(value));
}

/** The weekly figure of a document with its interval; null if it has none. */
function weekText(of: Figures, key: 'scaled' | 'raw'): string | null {
  const weekly = of.weekly as Figures | null | undefined;
  if (!weekly) return null;
  const [low = null, high = null] = Array.isArray(weekly[`${key}_interval`]) ? (weekly[`${key}_interval`] as unknown[]).map(num) : [];
  return `${percent(num(weekly[key]), true)}${low === null || high === null ? '' : ` (${percent(low, true)} to ${percent(high, true)})`}`;
}

/** Every other single value, and what was asked for. */
function rest(of: Figures, config: Figures): HTMLElement {
  const single = Object.entries(of).filter(([name, value]) => !TOLD.has(name) && (value === null || typeof value !== 'object'));
  const groups = Object.entries(of).filter(([name, value]) => !['buy_and_hold', 'open_trade', 'completeness'].includes(name) && isFlat(value));
  const list = (entries: [string, unknown][]): HTMLElement => element('dl', 'rest', ...entries.map(([name, value]) => element('div', '', element('dt', '', name.replaceAll('_', ' ')), element('dd', '', valueText(name, value)))));
  const parts = groups.filter(([, value]) => Object.keys(value as Figures).length).flatMap(([name, value]) => [element('h3', '', name.replaceAll('_', ' ')), list(Object.entries(value as Figures))]);
  const asked = Object.keys(config).length ? [element('h3', '', 'what was asked for'), list(Object.entries(config))] : [];
  return element('details', 'more', element('summary', '', 'All figures'), list(single), ...parts, ...asked);
}

function isFlat(value: unknown): boolean {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
