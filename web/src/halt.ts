/**
 * HALT and RESUME. Halting takes one press and no dialog, works without the websocket, and is tried again until the API
 * has taken it. HALTED is shown when the status says so, never because it was hoped. Resuming asks for the word.
 */
import { ApiError, post, type Status } from './api';
import { element, setText } from './dom';
import { secondsOf, utc } from './format';

const TRIES = 5;
const WAIT_MS = 400;
/** The pipeline confirms within a second: after this the page says that it has not. */
const CONFIRM_MS = 4000;
const WORD = 'RESUME';

export class HaltControl {
  halted: Status['halted'] = null;
  private takenAt: number | null = null;
  private readonly words = element('strong');
  private readonly answer = element('span', 'muted');
  private readonly input = element('input');
  private readonly form = element('form', 'resume');

  constructor(private readonly button: HTMLButtonElement, private readonly bar: HTMLElement, private readonly reread: () => Promise<void>) {
    button.addEventListener('click', () => void this.halt());
    this.form.append(element('label', '', `Resume: type ${WORD} `, this.input), element('button', 'plain', 'Resume'), this.answer);
    this.input.id = 'resume-word';
    this.input.autocomplete = 'off';
    this.input.size = 10;
    this.form.addEventListener('submit', (event) => { event.preventDefault(); void this.resume(); });
    bar.append(this.words, this.form);
  }

  show(status: Status): void {
    const was = this.halted;
    this.halted = status.halted;
    if (status.halted) this.takenAt = null;
    const late = this.takenAt !== null && performance.now() - this.takenAt > CONFIRM_MS;
    this.bar.hidden = status.halted === null && !late;
    this.form.hidden = status.halted === null;
    this.button.classList.toggle('done', status.halted !== null);
    setText(this.button, status.halted ? 'HALTED' : this.takenAt === null ? 'HALT' : 'HALTING');
    if (late) setText(this.words, 'HALT was taken by the API and the pipeline has not confirmed it. On the machine itself: ninefold halt');
    if (status.halted) setText(this.words, `HALTED ${utc(secondsOf(status.halted.since_ns), 'time')} UTC by ${status.halted.by}: ${status.halted.reason}. No new orders are sent.`);
    if (was && !status.halted) this.input.value = '';
    if (!status.halted) setText(this.answer, '');
  }

  async halt(): Promise<void> {
    if (this.halted) return;
    setText(this.button, 'HALTING');
    for (let tried = 1; tried <= TRIES; tried++) {
      try {
        await post('halt', { by: 'web', reason: 'HALT was pressed on the page' });
        this.takenAt = performance.now();
        await this.reread();
        return;
      } catch (error) {
        this.complain(error, tried);
        await new Promise((resolve) => { window.setTimeout(resolve, WAIT_MS * tried); });
      }
    }
    setText(this.button, 'HALT');
  }

  private complain(error: unknown, tried: number): void {
    if (!(error instanceof ApiError)) throw error;
    this.bar.hidden = false;
    this.form.hidden = true;
    setText(this.words, `NOT HALTED (try ${tried} of ${TRIES}): ${error.message} On the machine itself: ninefold halt`);
  }

  private async resume(): Promise<void> {
    if (this.input.value.trim() !== WORD) {
      setText(this.answer, `Nothing was resumed: the word is ${WORD}.`);
      return;
    }
    try {
      await post('resume', { by: 'web', confirm: WORD });
      setText(this.answer, 'Taken; waiting for the pipeline.');
      await this.reread();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setText(this.answer, error.message);
    }
  }
}
