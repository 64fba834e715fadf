/**
 * How complete the bars of the shown chart are, as the certificates say.
 *
 * In:  the instrument and timeframe that are shown. Out: one line below the chart, fetched anew every minute.
 */
import { ApiError, get } from './api';
import { partsOf, type Completeness } from './certificates';
import { byId, element } from './dom';

const EVERY_MS = 60_000;
const FINE = new Set(['complete', 'healed', 'cannot tell']);

export class CompletenessLine {
  private instrument = '';
  private timeframe = '';
  private fetched = -EVERY_MS;

  show(instrument: string, timeframe: string): void {
    if (instrument === this.instrument && timeframe === this.timeframe) return;
    this.instrument = instrument;
    this.timeframe = timeframe;
    this.fetched = -EVERY_MS;
    this.tick();
  }

  /** Once a second. */
  tick(): void {
    if (!this.instrument || performance.now() - this.fetched < EVERY_MS) return;
    this.fetched = performance.now();
    void this.load(this.instrument, this.timeframe);
  }

  private async load(instrument: string, timeframe: string): Promise<void> {
    const isShown = (): boolean => instrument === this.instrument && timeframe === this.timeframe;
    try {
      const found = await get<Completeness>('completeness', { instrument, timeframe });
      if (isShown()) this.draw(found);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (isShown()) byId('completeness').textContent = `Completeness unknown: ${error.message}`;
    }
  }

  private draw(found: Completeness): void {
    const line = byId('completeness');
    line.replaceChildren(element('i', '', 'bars stored '), ...partsOf(found).map(({ state, text }) => element('span', FINE.has(state) ? 'nowrap' : 'nowrap failed', `${text} `)));
  }
}
