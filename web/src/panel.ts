/** The four states of a panel besides "ready": loading, empty (why, and what fills it), error (what, retry), stale (age in words). */
import { element, setText } from './dom';
import { age } from './format';

export const STALE_MS = 5_000;
const GREY_MS = 30_000;

export class Panel {
  private readonly note: HTMLElement;
  private readonly ageText: HTMLElement;
  private touchedAt: number | null = null;
  /** How long this panel may be silent before it counts as stale. */
  patienceMs = STALE_MS;

  constructor(private readonly root: HTMLElement) {
    this.note = element('div', 'note');
    root.querySelector('.body')!.append(this.note);
    this.ageText = root.querySelector('.panel-age')!;
    this.loading();
  }

  loading(): void {
    this.show('loading', 'Loading');
  }

  empty(why: string, remedy: string): void {
    this.show('empty', why, element('small', '', remedy));
  }

  error(what: string, retry: () => void): void {
    const button = element('button', 'plain', 'Retry');
    button.type = 'button';
    button.addEventListener('click', () => { this.loading(); retry(); });
    this.show('error', what, button);
  }

  ready(): void {
    if (this.root.dataset.state === 'ready') return;
    this.root.dataset.state = 'ready';
    this.note.replaceChildren();
  }

  state(): string {
    return this.root.dataset.state ?? '';
  }

  /** Data for this panel, or a heartbeat that vouches for it, has come. */
  touch(): void {
    this.touchedAt = performance.now();
  }

  /** Once a second: say how old the panel is when it is too old. */
  tick(): void {
    const old = this.touchedAt === null ? 0 : performance.now() - this.touchedAt;
    this.root.classList.toggle('stale', old > this.patienceMs);
    this.root.classList.toggle('grey', old > Math.max(GREY_MS, this.patienceMs));
    setText(this.ageText, old > this.patienceMs ? `stale: ${age(old)} old` : '');
  }

  private show(state: string, text: string, ...more: Node[]): void {
    this.root.dataset.state = state;
    this.note.replaceChildren(element('p', '', text), ...more);
  }
}
