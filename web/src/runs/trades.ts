/**
 * The trades of a run, a page at a time. One is chosen: by a click, or with j and k, over the ends of pages too.
 */
import { ApiError } from '../api';
import { element } from '../dom';
import type { Source, Trade, TradePage } from './data';
import { PER_PAGE } from './data';
import { money } from './figures';

const HEAD = ['#', 'Side', 'Entry (UTC)', 'Price', 'Exit (UTC)', 'Price', 'Size', 'Fees', 'Result'];

export class TradeTable {
  readonly root = element('section', 'trades');
  chosen: Trade | null = null;
  private page: TradePage | null = null;
  private readonly rows = element('tbody');
  private readonly box = element('div', 'scroll trade-box');
  private readonly place = element('span', 'muted');
  private readonly words = element('p', 'failed');

  constructor(private readonly source: Source, private readonly decimals: () => number, private readonly onChoose: (trade: Trade | null) => void) {
    const table = element('table', '', element('caption', 'unseen', 'Trades, oldest first'), element('thead', '', element('tr', '', ...HEAD.map((name, i) => element('th', i === 1 ? 'text' : '', name)))), this.rows);
    const turn = (text: string, by: number): HTMLElement => {
      const button = element('button', 'plain', text);
      button.type = 'button';
      button.addEventListener('click', () => void this.turn((this.page?.page ?? 1) + by));
      return button;
    };
    this.root.append(element('header', '', element('h2', '', 'Trades'), this.place, element('span', 'spring'), turn('Earlier', -1), turn('Later', 1)), this.box, this.words);
    this.box.append(table);
    this.box.tabIndex = 0;
  }

  /** Show the page with a trade and choose it; without one, the first page. */
  async show(number: string | null): Promise<void> {
    const wanted = Number(number);
    await this.turn(number === null ? 1 : Math.max(1, Math.ceil(wanted / PER_PAGE)));
    this.choose(this.page?.trades.find((trade) => trade.number === number) ?? null, false);
  }

  /** The next trade (1) or the one before (-1). */
  async step(by: number): Promise<void> {
    const total = this.source.head.trades;
    const next = Math.min(total, Math.max(1, this.chosen ? Number(this.chosen.number) + by : 1));
    if (!total) return;
    const page = Math.ceil(next / PER_PAGE);
    if (page !== this.page?.page) await this.turn(page);
    this.choose(this.page?.trades.find((trade) => trade.number === String(next)) ?? null, true);
  }

  choose(trade: Trade | null, scroll: boolean): void {
    this.chosen = trade;
    for (const row of this.rows.children) {
      const is = (row as HTMLElement).dataset.number === trade?.number;
      row.classList.toggle('chosen', is);
      row.setAttribute('aria-selected', String(is));
      if (is && scroll) this.bringIntoSight(row as HTMLElement);
    }
    this.onChoose(trade);
  }

  /** Only the box scrolls: the picture stays where it is. */
  private bringIntoSight(row: HTMLElement): void {
    const head = row.offsetHeight;
    if (row.offsetTop - head < this.box.scrollTop) this.box.scrollTop = row.offsetTop - head;
    else if (row.offsetTop + 2 * head > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = row.offsetTop + 2 * head - this.box.clientHeight;
  }

  private async turn(page: number): Promise<void> {
    if (this.page && (page < 1 || page > this.page.pages)) return;
    try {
      this.page = await this.source.trades(page);
      this.words.textContent = '';
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.words.textContent = error.message;
      return;
    }
    const { trades, total, pages } = this.page;
    const last = total ? Number(trades.at(-1)!.number) : 0;
    this.place.textContent = total ? `${trades[0]!.number} to ${last} of ${total}${pages > 1 ? `, page ${this.page.page} of ${pages}` : ''} \u00b7 j and k go from one to the next` : 'It never traded.';
    this.rows.replaceChildren(...trades.map((trade) => this.row(trade)));
  }

  private row(trade: Trade): HTMLElement {
    const price = (value: number | null): string => (value === null ? '-' : value.toFixed(this.decimals()));
    const result = trade.pnl === null ? '-' : money(trade.pnl, true);
    const cells = [trade.number, trade.size > 0 ? '\u25b2 long' : '\u25bc short', told(trade.entry_time), price(trade.entry_price), trade.exit_time === null ? 'still open' : told(trade.exit_time),
      price(trade.exit_price), String(Math.abs(trade.size)), money(trade.fees), result];
    const row = element('tr', '', ...cells.map((text, i) => element('td', i === 1 ? 'text' : i === 8 && trade.pnl ? (trade.pnl > 0 ? 'gain' : 'loss') : '', text)));
    row.dataset.number = trade.number;
    row.addEventListener('click', () => this.choose(trade, false));
    return row;
  }
}

function told(iso: string): string {
  return iso.replace('T', ' ').replace('Z', '');
}
