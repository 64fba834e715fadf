/** The table twin of a run's picture (key `d`): the candles in sight, newest first, with equity, falls and fills in words. */
import { element } from '../dom';
import { utc } from '../format';
import type { Candles, EquityLine } from './data';
import { placeOf } from './data';
import { money, percent } from './figures';

const HEAD = ['Opened (UTC)', 'Open', 'High', 'Low', 'Close', 'Equity', 'Below its best', 'Fills'];

export function drawTwin(host: HTMLElement, candles: Candles, equity: EquityLine | null, from: number, to: number): void {
  const fills = new Map<number, string[]>();
  for (const mark of candles.marks) fills.set(mark.time, [...(fills.get(mark.time) ?? []), mark.count > 1 ? `${mark.count} ${mark.side === 'buy' ? 'bought' : 'sold'}` : `${mark.side === 'buy' ? 'bought' : 'sold'} (trade ${mark.trade})`]);
  const rows: HTMLElement[] = [];
  for (let i = placeOf(candles.time, to); i >= Math.max(0, placeOf(candles.time, from)); i--) {
    const time = candles.time[i]!;
    const prices = [candles.open, candles.high, candles.low, candles.close].map((column) => (Number.isNaN(column[i]!) ? '?' : column[i]!.toFixed(candles.decimals)));
    const at = equity ? placeOf(equity.time, time + candles.width - 1e-3) : -1;
    const held = equity && at >= 0 ? [money(equity.last[at]!), percent(equity.fall[at]!)] : ['-', '-'];
    rows.push(row('td', [utc(time), ...prices, ...held, (fills.get(time) ?? []).join(', ')]));
  }
  host.replaceChildren(element('table', '', element('caption', 'unseen', `The ${candles.timeframe} candles in sight, newest first`), element('thead', '', row('th', HEAD)), element('tbody', '', ...rows)));
}

function row(cell: 'td' | 'th', texts: readonly string[]): HTMLElement {
  return element('tr', '', ...texts.map((text, i) => element(cell, i === texts.length - 1 ? 'text' : '', text)));
}
