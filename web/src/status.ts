/** The status row and the word that says where orders go. */
import type { Status } from './api';
import { element, number, setText } from './dom';
import { duration, rate, roundDecimal } from './format';

const MODES = ['demo', 'paper', 'live'];

interface Figure { root: HTMLElement; value: HTMLElement; text: string }

export class StatusRow {
  shown: Status | null = null;
  private readonly figures = new Map<string, Figure>();

  constructor(private readonly list: HTMLElement, private readonly mode: HTMLElement) {}

  show(status: Status, quote: string): void {
    this.shown = status;
    setText(this.mode, status.mode.toUpperCase());
    this.mode.className = `mode ${MODES.includes(status.mode) ? status.mode : ''}`;
    this.put('messages/s', rate(status.messages_per_s));
    this.put('trades stored', String(status.trades_stored));
    this.put('bars', String(status.bars));
    this.put('orders', String(status.orders));
    this.put('equity', status.equity === null ? '?' : roundDecimal(status.equity, 2), quote);
    this.put('lag', duration(status.lag_ns));
    this.put('gaps', String(status.gaps), '', status.gaps > 0);
    this.put('malformed', String(status.malformed), '', status.malformed > 0);
  }

  /** Only what changed is drawn again, so a number can be selected and copied while others move. */
  private put(name: string, text: string, unit = '', warn = false): void {
    const figure = this.figures.get(name) ?? this.add(name);
    if (figure.text === text + unit) return;
    figure.text = text + unit;
    figure.value.replaceChildren(number(text), unit ? ` ${unit}` : '');
    figure.root.classList.toggle('warn', warn);
  }

  private add(name: string): Figure {
    const value = element('dd');
    const root = element('div', '', element('dt', '', name), value);
    this.list.append(root);
    const figure = { root, value, text: '' };
    this.figures.set(name, figure);
    return figure;
  }
}
