/**
 * How complete the trades behind the shown chart are, as the certificates say.
 *
 * In:  the instrument that is shown. Out: one line below the chart, fetched anew every minute.
 */
import { ApiError, get } from './api';
import { partsOf, type Completeness } from './certificates';
import { byId, element } from './dom';

const EVERY_MS = 60_000;
const FINE = new Set(['complete', 'healed', 'cannot tell']);

export class CompletenessLine {
  private instrument = '';
  private fetched = -EVERY_MS;

  show(instrument: string): void {
    if (instrument === this.instrument) return;
    this.instrument = instrument;
    this.fetched = -EVERY_MS;
    this.tick();
  }

  /** Once a second. */
  tick(): void {
    if (!this.instrument || performance.now() - this.fetched < EVERY_MS) return;
    this.fetched = performance.now();
    void this.load(this.instrument);
  }

  private async load(instrument: string): Promise<void> {
    try {
      const found = await get<Completeness>('completeness', { instrument });
      if (instrument === this.instrument) this.draw(found);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (instrument === this.instrument) byId('completeness').textContent = `Completeness unknown: ${error.message}`;
    }
  }

  private draw(found: Completeness): void {
    const line = byId('completeness');
    line.replaceChildren(element('i', '', 'trades stored '), ...partsOf(found).map(({ state, text }) => element('span', FINE.has(state) ? 'nowrap' : 'nowrap failed', `${text} `)));
  }
}
