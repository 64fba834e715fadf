/**
 * What the platform may do, what it has done, and alarms: newest first.
 *
 * In:  messages from REST and the socket; one that comes again (with its outcome, say) replaces the first.
 * Out: the list in the page, at most HELD_MESSAGES long, and the newest as text for screen readers at most every 5 s.
 */
import type { Message, Scores } from './api';
import { byId, element, number, setText } from './dom';
import { horizon, percent, secondsOf, utc } from './format';
import { glyph } from './glyphs';

const HELD_MESSAGES = 200;
const SPEAK_EVERY_MS = 5_000;
const FEW = 30;

export class Messages {
  held: Message[] = [];
  private readonly rows = new Map<string, { message: Message; row: HTMLElement }>();
  private spokenAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly list: HTMLElement, private readonly scoreText: HTMLElement) {}

  add(messages: readonly Message[], speak: boolean): void {
    const news = messages.at(-1);
    const isNew = news !== undefined && !this.held.some(({ id }) => id === news.id);
    this.held = mergeMessages(this.held, messages);
    for (const id of this.rows.keys()) if (!this.held.some((message) => message.id === id)) this.rows.delete(id);
    const drawn = this.held.map((message) => this.row(message));
    drawn.forEach((row, i) => { if (this.list.children[i] !== row) this.list.insertBefore(row, this.list.children[i] ?? null); });
    while (this.list.children.length > drawn.length) this.list.lastElementChild!.remove();
    if (speak && isNew) this.speak(news);
  }

  showScores(scores: Scores): void {
    const figure = (value: number | null): string => (value === null ? '-' : value.toFixed(3));
    setText(this.scoreText, `scored ${scores.scored}/${scores.may} \u00b7 Brier ${figure(scores.brier)} (base ${figure(scores.base_brier)})`);
    this.scoreText.classList.toggle('muted', scores.scored < FEW);
  }

  private row(message: Message): HTMLElement {
    const known = this.rows.get(message.id);
    if (known && sameMessage(known.message, message)) return known.row;
    const row = drawMessage(message, this.held.find(({ id }) => id === message.may_id));
    this.rows.set(message.id, { message, row });
    return row;
  }

  private speak(message: Message): void {
    const now = performance.now();
    if (now - this.spokenAt < SPEAK_EVERY_MS) return;
    this.spokenAt = now;
    setText(byId('live'), `${message.kind.toUpperCase()}: ${message.text}`);
  }
}

/** Newest first by time known, each id once, the later version winning. */
export function mergeMessages(held: readonly Message[], incoming: readonly Message[]): Message[] {
  const byNumber = new Map(held.map((message) => [message.id, message]));
  for (const message of incoming) byNumber.set(message.id, message);
  return [...byNumber.values()].sort((a, b) => Number(BigInt(b.known_ns) - BigInt(a.known_ns))).slice(0, HELD_MESSAGES);
}

function sameMessage(a: Message, b: Message): boolean {
  return a.outcome === b.outcome && a.text === b.text && a.slack === b.slack;
}

/** `may`: the one a HAS names, if it is still held. */
function drawMessage(message: Message, may: Message | undefined): HTMLElement {
  const head = element('p', 'message-head', element('time', '', utc(secondsOf(message.known_ns), 'time')), glyph(message.kind), element('b', message.kind, message.kind.toUpperCase()));
  if (message.probability !== null) head.append(element('span', 'num', percent(message.probability)));
  if (message.side) head.append(element('b', message.side, message.side.toUpperCase()));
  if (message.instrument) head.append(element('span', '', message.instrument.replace(/^[^:]*:/, '')));
  if (message.kind === 'may' && message.horizon_ns !== null) head.append(element('span', 'muted', `< ${horizon(message.horizon_ns)}`));
  if (message.kind === 'has') head.append(element('span', 'muted', message.may_id === null ? 'no MAY' : `after MAY${may ? ` ${percent(may.probability)}` : ''}`));
  head.append(element('span', 'spring'));
  if (message.outcome) head.append(element('span', `tag ${message.outcome}`, message.outcome));
  const body = element('p', 'message-body');
  const zone = priceZone(message);
  if (zone) body.append(zone, ' \u00b7 ');
  if (message.strategy) body.append(element('i', '', message.strategy.replaceAll(',', ', ')), ' \u00b7 ');
  body.append(message.text);
  if (message.slack) body.append(' ', element('span', 'tag', 'slack'));
  const row = element('li', `message ${message.kind}`, head, body);
  row.dataset.id = message.id;
  row.dataset.kind = message.kind;
  return row;
}

function priceZone(message: Message): HTMLElement | null {
  const { price_low: low, price_high: high } = message;
  if (low === null && high === null) return null;
  if (low === null || high === null || low === high) return number((low ?? high)!);
  return element('span', 'nowrap', number(low), ' to ', number(high));
}
