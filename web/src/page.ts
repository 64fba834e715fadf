/**
 * The page as a whole: what is loaded when, which topic goes to which panel, and how old everything is.
 *
 * After a broken line everything is read again by REST (each row has an id, so nothing shows twice), and while the line
 * stays broken that is repeated, so that the page lives without a websocket.
 */
import { ApiError, get, socketAddress, type Bar, type BarColumns, type Equity, type EquityPoint, type Fill, type Instrument, type Message, type Scores, type Service, type Snapshot, type Status } from './api';
import { FIRST_TIMEFRAME, searchOf, viewOf, type View } from './address';
import { WIDTHS, rowsOf } from './bars';
import { Candles } from './candles';
import { byId, element, setText } from './dom';
import { EquityCurve } from './equity';
import { age } from './format';
import { HaltControl } from './halt';
import { Messages } from './messages';
import { showOneUpping } from './oneupping';
import { Panel, STALE_MS } from './panel';
import { ServiceBoxes } from './services';
import { Line } from './socket';
import { StatusRow } from './status';

interface AllMessages { messages: Message[]; scores: Scores }

const POLL_MS = 3_000;
const SCORES_MS = 15_000; // of forecasts, and of quoters
const HELD_FILLS = 2_000;
const RETRY_MS = 2_000;

export class Page {
  view: View = viewOf(location.search);
  readonly candles = new Candles();
  readonly status = new StatusRow(byId('status'), byId('mode'));
  readonly services = new ServiceBoxes(byId('services'));
  readonly messages = new Messages(byId('messages'), byId('scores'));
  readonly equity = new EquityCurve(byId('equity'), byId('equity-now'));
  readonly halt = new HaltControl(byId<HTMLButtonElement>('halt'), byId('halted'), () => this.readStatus());
  readonly line: Line;
  private readonly panels = { messages: new Panel(byId('messages-panel')), equity: new Panel(byId('equity-panel')), services: new Panel(byId('services-panel')) };
  private instruments: Instrument[] = [];
  private fills = new Map<string, Fill>();
  private quote = '';
  private heardAt: number | null = null;
  private polledAt = performance.now();

  constructor() {
    this.line = new Line(socketAddress(), {
      onMessage: (topic, data) => this.hear(topic, data),
      onState: (_, again) => { if (again && this.line.state === 'open') void this.readAll(); },
    });
    byId('instrument').addEventListener('change', () => this.go({ instrument: byId<HTMLSelectElement>('instrument').value }));
    byId('timeframe').addEventListener('change', () => this.go({ timeframe: byId<HTMLSelectElement>('timeframe').value }));
    byId('formula-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.go({ formula: byId<HTMLInputElement>('formula').value.trim() });
    });
    window.addEventListener('popstate', () => { this.view = viewOf(location.search); void this.showView(); });
    byId('timeframe').replaceChildren(...Object.keys(WIDTHS).map((name) => element('option', '', name)));
    window.setInterval(() => this.tick(), 1000);
    window.setInterval(() => { void this.readMessages(); void this.readInstruments(); }, SCORES_MS);
  }

  async start(): Promise<void> {
    try {
      this.instruments = (await get<{ instruments: Instrument[] }>('instruments')).instruments;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      for (const panel of [this.candles.panel, ...Object.values(this.panels)]) panel.error(error.message, () => void this.start());
      return;
    }
    if (this.instruments.length === 0) {
      this.candles.panel.empty('No instrument is known yet', 'The first one comes with the first answer of the exchange; this page looks again by itself.');
      window.setTimeout(() => void this.start(), RETRY_MS);
      return;
    }
    byId('instrument').replaceChildren(...this.instruments.map((instrument) => element('option', '', instrument.name)));
    await Promise.all([this.showView(), this.readRest()]);
  }

  /** Change what is shown; Back undoes it. */
  go(change: Partial<View>): void {
    const view = { ...this.view, ...change };
    if (searchOf(view) === searchOf(this.view)) return;
    this.view = view;
    history.pushState(null, '', searchOf(view));
    void this.showView();
  }

  stepTimeframe(by: number): void {
    const names = Object.keys(WIDTHS);
    const at = names.indexOf(this.view.timeframe) + by;
    this.go({ timeframe: names[Math.min(names.length - 1, Math.max(0, at))] ?? FIRST_TIMEFRAME });
  }

  restyle(): void {
    this.candles.chart.restyle();
    this.equity.restyle();
  }

  private async showView(): Promise<void> {
    const instrument = this.instruments.find(({ name }) => name === this.view.instrument) ?? firstShown(this.instruments);
    if (!instrument) return;
    this.view = { ...this.view, instrument: instrument.name };
    history.replaceState(null, '', searchOf(this.view));
    byId<HTMLSelectElement>('instrument').value = instrument.name;
    byId<HTMLSelectElement>('timeframe').value = this.view.timeframe;
    byId<HTMLInputElement>('formula').value = this.view.formula;
    document.title = `${instrument.symbol} ${this.view.timeframe} \u00b7 ninefold`;
    this.line.follow(['status', 'services', 'messages', 'fills', 'equity', this.barsTopic()]);
    showOneUpping(instrument);
    await this.candles.show(this.view, instrument);
  }

  private barsTopic(): string {
    return `bars:${this.view.instrument}:${this.view.timeframe}`;
  }

  private async readAll(): Promise<void> {
    await Promise.all([this.candles.reload(), this.readRest()]);
  }

  private async readRest(): Promise<void> {
    await Promise.all([this.readStatus(), this.readMessages(), this.readFills(), this.readEquity(), this.readServices()]);
  }

  private async readStatus(): Promise<void> {
    await this.attempt(null, async () => this.takeStatus(await get<Status>('status')), () => this.readStatus());
  }

  private async readMessages(): Promise<void> {
    await this.attempt(this.panels.messages, async () => this.takeAllMessages(await get<AllMessages>('messages', { limit: 200 })), () => this.readMessages());
  }

  private async readFills(): Promise<void> {
    await this.attempt(null, async () => this.takeFills((await get<{ fills: Fill[] }>('fills', { limit: 500 })).fills), () => this.readFills());
  }

  private async readEquity(): Promise<void> {
    await this.attempt(this.panels.equity, async () => this.takeEquity(await get<Equity>('equity', { limit: 2000 })), () => this.readEquity());
  }

  private async readInstruments(): Promise<void> {
    await this.attempt(null, async () => {
      const { instruments } = await get<{ instruments: Instrument[] }>('instruments');
      const shown = instruments.find(({ name }) => name === this.view.instrument);
      if (shown) showOneUpping(shown);
    }, () => this.readInstruments());
  }

  private async readServices(): Promise<void> {
    await this.attempt(this.panels.services, async () => this.takeServices((await get<{ services: Service[] }>('services')).services), () => this.readServices());
  }

  /** One panel's failure is shown in that panel; the others live on. What is already drawn stays and grows stale. */
  private async attempt(panel: Panel | null, act: () => Promise<void>, again: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.heardAt = performance.now();
      panel?.touch();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (panel && panel.state() !== 'ready') panel.error(error.message, () => void again());
    }
  }

  private hear(topic: string, data: unknown): void {
    this.heardAt = performance.now();
    if (topic === 'status') this.takeStatus(data as Status);
    else if (topic === 'services') this.takeServices((data as { services: Service[] }).services);
    else if (topic === 'messages') this.takeMessages([data as Message], true);
    else if (topic === 'fills') this.takeFills([data as Fill]);
    else if (topic === 'equity') this.takeEquityPoint(data as EquityPoint);
    else if (topic === this.barsTopic()) this.candles.hear([data as Bar]);
    else if (topic === 'snapshot') this.hearSnapshot(data as Snapshot);
  }

  private hearSnapshot(snapshot: Snapshot): void {
    const part = <T>(topic: string): T | null => (snapshot[topic] ?? null) as T | null;
    const status = part<Status>('status');
    const services = part<{ services: Service[] }>('services');
    const messages = part<AllMessages>('messages');
    const fills = part<{ fills: Fill[] }>('fills');
    const equity = part<Equity>('equity');
    const bars = part<{ columns: BarColumns; open_bar: Bar | null }>(this.barsTopic());
    if (status) this.takeStatus(status);
    if (services) this.takeServices(services.services);
    if (messages) this.takeAllMessages(messages);
    if (fills) this.takeFills(fills.fills);
    if (equity) this.takeEquity(equity);
    if (bars) this.candles.hear([...rowsOf(bars.columns), ...(bars.open_bar ? [bars.open_bar] : [])]);
  }

  /** The status comes every second: while it does, a quiet panel is quiet and not stale. */
  private takeStatus(status: Status): void {
    this.status.show(status, this.quote);
    this.halt.show(status);
    this.panels.messages.touch();
    this.panels.equity.touch();
  }

  private takeServices(services: readonly Service[]): void {
    this.services.show(services);
    this.panels.services.touch();
    if (services.length) this.panels.services.ready();
    else this.panels.services.empty('No service has reported yet', 'Each reports within a second of its start.');
  }

  private takeAllMessages({ messages, scores }: AllMessages): void {
    this.messages.showScores(scores);
    this.takeMessages(messages, false);
  }

  private takeMessages(messages: readonly Message[], speak: boolean): void {
    this.messages.add(messages, speak);
    this.candles.setEvents(this.messages.held, [...this.fills.values()]);
    if (this.messages.held.length) this.panels.messages.ready();
    else this.panels.messages.empty('Nothing said yet', 'The first MAY comes when the strategies have warmed up and foresee a trade.');
  }

  private takeFills(fills: readonly Fill[]): void {
    for (const fill of fills) this.fills.set(`${fill.client_order_id} ${fill.exchange_ns} ${fill.price} ${fill.size}`, fill);
    for (const key of this.fills.keys()) {
      if (this.fills.size <= HELD_FILLS) break;
      this.fills.delete(key);
    }
    this.candles.setEvents(this.messages.held, [...this.fills.values()]);
  }

  private takeEquity(equity: Equity): void {
    this.quote = equity.quote;
    this.equity.load(equity);
    this.sayEquity();
  }

  private takeEquityPoint(point: EquityPoint): void {
    this.quote = point.quote;
    this.equity.add([point]);
    this.sayEquity();
  }

  private sayEquity(): void {
    if (this.equity.count()) this.panels.equity.ready();
    else this.panels.equity.empty('No equity known yet', 'The first point comes when the account has been read and every position has a price.');
  }

  private tick(): void {
    const now = performance.now();
    const old = this.heardAt === null ? null : now - this.heardAt;
    setText(byId('clock'), new Date().toISOString().slice(11, 19));
    setText(byId('age'), old === null ? 'age ?' : `age ${age(old)}${this.line.state === 'open' ? '' : ' \u00b7 line broken, asking again'}`);
    byId('age').classList.toggle('warn', old === null || old > STALE_MS || this.line.state !== 'open');
    this.line.tick();
    this.candles.tick(this.line.state === 'open');
    for (const panel of Object.values(this.panels)) panel.tick();
    if (this.line.state !== 'open' && this.instruments.length && now - this.polledAt > POLL_MS) {
      this.polledAt = now;
      void this.readAll();
    }
  }
}

/** What a bare address shows: bitcoin against a dollar, the busiest market on most venues, so that something moves at once. */
function firstShown(instruments: readonly Instrument[]): Instrument | undefined {
  return instruments.find(({ base, quote }) => base === 'BTC' && quote.startsWith('USD')) ?? instruments[0];
}
