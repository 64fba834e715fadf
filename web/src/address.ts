/** What the page shows, as its address: a link opened elsewhere gives the same picture. Tokens are never in it. */
import { WIDTHS } from './bars';

export interface View { instrument: string | null; timeframe: string; formula: string }

export const FIRST_FORMULA = 'rsi(close, 14)';
export const FIRST_TIMEFRAME = '1s';

export function viewOf(search: string): View {
  const query = new URLSearchParams(search);
  const timeframe = query.get('timeframe') ?? '';
  return {
    instrument: query.get('instrument'),
    timeframe: Object.hasOwn(WIDTHS, timeframe) ? timeframe : FIRST_TIMEFRAME,
    formula: query.get('formula') || FIRST_FORMULA,
  };
}

export function searchOf(view: View): string {
  const query = new URLSearchParams();
  if (view.instrument) query.set('instrument', view.instrument);
  query.set('timeframe', view.timeframe);
  query.set('formula', view.formula);
  return `?${query}`;
}
