/**
 * Whether somebody keeps stepping in front of the best price of the shown instrument.
 *
 * In:  an instrument as the API lists it. Out: one quiet line below the chart, which opens to say what it means; nothing while
 *      nobody was found.
 */
import type { Instrument } from './api';
import { byId, setText } from './dom';
import { percent, secondsOf, utc } from './format';

export function oneUppingText({ one_upping: score, one_upped_since_ns: since }: Instrument): string | null {
  return score === null || since === null ? null : `Somebody keeps quoting one step ahead of the best price: ${percent(score)}, since ${utc(secondsOf(since))} UTC`;
}

export function showOneUpping(instrument: Instrument): void {
  const text = oneUppingText(instrument);
  const line = byId('one-upping');
  line.hidden = text === null;
  setText(line.querySelector('summary')!, text ?? '');
}
