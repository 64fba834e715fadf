/** The table twin of the chart (key `d`): the same bars, newest first, in words. */
import { element } from './dom';
import { measured, utc } from './format';
import type { Slot } from './bars';
import type { Mark } from './marks';

const HEAD = ['Opened (UTC)', 'State', 'Open', 'High', 'Low', 'Close', 'Volume', 'Indicator', 'Marks'];

export function drawTwin(host: HTMLElement, slots: readonly Slot[], indicator: ReadonlyMap<number, number | null>, marks: readonly Mark[]): void {
  const byTime = new Map<number, string[]>();
  for (const mark of marks) byTime.set(mark.time, [...(byTime.get(mark.time) ?? []), wordsOf(mark)]);
  const rows = [...slots].reverse().map(({ time, bar }) => {
    const prices = [bar?.open, bar?.high, bar?.low, bar?.close, bar?.volume].map((text) => text ?? '?');
    const state = bar ? (bar.open_bar ? 'open' : bar.state) : 'missing';
    return row('td', [utc(time), state, ...prices, measured(indicator.get(time) ?? null), (byTime.get(time) ?? []).join(', ')]);
  });
  host.replaceChildren(element('table', '', element('caption', 'unseen', 'The bars in sight, newest first'), element('thead', '', row('th', HEAD)), element('tbody', '', ...rows)));
}

export function wordsOf(mark: Mark): string {
  const side = mark.side ? ` ${mark.side}` : '';
  const price = mark.price ? ` at ${mark.price}` : '';
  return `${mark.kind === 'fill' ? 'fill' : mark.kind.toUpperCase()}${side}${price}${mark.count > 1 ? ` \u00d7${mark.count}` : ''}`;
}

function row(cell: 'td' | 'th', texts: readonly string[]): HTMLElement {
  return element('tr', '', ...texts.map((text) => element(cell, '', text)));
}
