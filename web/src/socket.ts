/**
 * The one websocket: numbered messages, resumed after a break.
 *
 * In:  topics to follow.
 * Out: `onMessage(topic, data)` for each message once, and `onState` when the line breaks or is back. After a break it
 *      asks for what followed the last number it saw; waits grow from 0.5 s to 15 s with jitter, so that many pages do
 *      not come back at the same moment.
 */

export type LineState = 'connecting' | 'open' | 'broken';
export interface LineEvents { onMessage(topic: string, data: unknown): void; onState(state: LineState, again: boolean): void }

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** The server says its status every second: this long without a word means the line is dead though it looks open. */
const SILENCE_MS = 10_000;

export class Line {
  state: LineState = 'connecting';
  lastHeard = performance.now();
  private socket: WebSocket | null = null;
  private since: string | null = null;
  private waits = 0;
  private opened = 0;
  private topics: readonly string[] = [];

  constructor(private readonly address: string, private readonly events: LineEvents) {}

  follow(topics: readonly string[]): void {
    this.topics = topics;
    if (this.socket?.readyState === WebSocket.OPEN) this.subscribe();
    else if (!this.socket) this.connect();
  }

  /** Once a second: drop a line that has fallen silent. */
  tick(): void {
    if (this.state === 'open' && performance.now() - this.lastHeard > SILENCE_MS) this.socket?.close();
  }

  private connect(): void {
    const socket = new WebSocket(this.address);
    this.socket = socket;
    socket.addEventListener('open', () => {
      this.opened += 1;
      this.lastHeard = performance.now();
      this.subscribe();
      this.become('open');
    });
    socket.addEventListener('message', (event) => this.hear(String(event.data)));
    socket.addEventListener('close', () => this.comeBack());
  }

  private subscribe(): void {
    this.socket?.send(JSON.stringify({ subscribe: this.topics, since: this.since }));
  }

  private hear(text: string): void {
    this.lastHeard = performance.now();
    const message = JSON.parse(text) as { seq?: string; topic?: string; data?: unknown };
    if (message.seq === undefined || message.topic === undefined) return;
    this.since = message.seq;
    this.waits = 0; // only a word from the server proves the line: one that opens and is cut at once must keep waiting longer
    this.events.onMessage(message.topic, message.data);
  }

  private comeBack(): void {
    this.socket = null;
    this.become('broken');
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.waits) * (0.5 + Math.random() / 2);
    this.waits += 1;
    window.setTimeout(() => this.connect(), wait);
  }

  private become(state: LineState): void {
    this.state = state;
    this.events.onState(state, this.opened > 1);
  }
}
