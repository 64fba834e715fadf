/**
 * The frame round a picture: its name, what the pointer is on, the whole of it again, its table twin (key `d`), what failed.
 *
 * In:  names; what to do. Out: elements, and a call when the twin is opened.
 */
import { element, setText } from '../dom';

export interface FrameActs { showAll(): void; twinOpened(): void }

export class Frame {
  readonly root: HTMLElement;
  readonly picture = element('div', 'picture');
  readonly readout = element('p', 'readout');
  readonly twin = element('div', 'scroll tall twin-table');
  private readonly words = element('p', 'failed');
  private readonly twinButton = element('button', 'plain', 'Table ', element('kbd', '', 'd'));

  /** below: under the picture and its twin. */
  constructor(title: string, all: string, below: readonly HTMLElement[], private readonly acts: FrameActs) {
    this.picture.tabIndex = 0;
    this.picture.setAttribute('role', 'img');
    const allButton = element('button', 'plain', all);
    allButton.type = 'button';
    allButton.addEventListener('click', () => acts.showAll());
    this.twin.hidden = true;
    this.twin.tabIndex = 0;
    this.twinButton.type = 'button';
    this.twinButton.setAttribute('aria-pressed', 'false');
    this.twinButton.addEventListener('click', () => this.toggleTwin());
    this.root = element('section', 'picture-section', element('header', '', element('h2', '', title), this.readout, this.twinButton, allButton), this.picture, this.words, this.twin, ...below);
  }

  /** What is in sight as a table, or no longer. */
  toggleTwin(): void {
    this.twin.hidden = !this.twin.hidden;
    this.twinButton.setAttribute('aria-pressed', String(!this.twin.hidden));
    this.acts.twinOpened();
    if (!this.twin.hidden) this.twin.focus();
  }

  failed(words: string): void {
    setText(this.words, words);
  }

  /** The picture was drawn: `summary` says it in a sentence; the twin is drawn anew if it is open and `drawn` names another state. */
  tell(summary: string, drawn: string, drawTwin: (host: HTMLElement) => void): void {
    this.picture.setAttribute('aria-label', summary);
    this.failed('');
    if (this.twin.hidden || this.twin.dataset.drawn === drawn) return;
    this.twin.dataset.drawn = drawn;
    drawTwin(this.twin);
  }
}
