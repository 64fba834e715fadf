/** Start the page: colours, keys, legend, and the hook that tests read. */
import { version } from '../package.json';
import { byId, setText } from './dom';
import { secondsOf } from './format';
import { fillLegend } from './glyphs';
import { listenToKeys, plain, type Key } from './keys';
import { Page } from './page';
import { followTheme } from './theme';

// Colours before the charts: they read them when they are made.
followTheme(() => page.restyle());
const page = new Page();
const list = byId<HTMLDialogElement>('keys');
const chart = page.candles.chart;

const KEYS: readonly Key[] = [
  { keys: 'Ctrl-Alt-H', does: 'HALT', on: (e) => e.ctrlKey && e.altKey && e.code === 'KeyH', act: () => void page.halt.halt(), whileTyping: true },
  { keys: '?', does: 'this list', on: plain('?'), act: () => list.showModal() },
  { keys: '/', does: 'choose an instrument', on: plain('/'), act: () => byId('instrument').focus() },
  { keys: 'f', does: 'type a formula', on: plain('f'), act: () => byId('formula').focus() },
  { keys: 'd', does: 'chart as a table', on: plain('d'), act: () => page.candles.toggleTwin() },
  { keys: '[', does: 'shorter timeframe', on: plain('['), act: () => page.stepTimeframe(-1) },
  { keys: ']', does: 'longer timeframe', on: plain(']'), act: () => page.stepTimeframe(1) },
  { keys: '+', does: 'closer', on: plain('+'), act: () => chart.zoom(0.8) },
  { keys: '-', does: 'farther', on: plain('-'), act: () => chart.zoom(1.25) },
  { keys: 'End', does: 'back to now', on: plain('End'), act: () => page.candles.toNow(), chartOnly: true },
  { keys: 'Shift-\u2190', does: 'pan to older bars', on: plain('ArrowLeft', true), act: () => chart.pan(-20), chartOnly: true },
  { keys: 'Shift-\u2192', does: 'pan to newer bars', on: plain('ArrowRight', true), act: () => chart.pan(20), chartOnly: true },
  { keys: '\u2190', does: 'one bar older', on: plain('ArrowLeft'), act: () => chart.moveCursor(-1), chartOnly: true },
  { keys: '\u2192', does: 'one bar newer', on: plain('ArrowRight'), act: () => chart.moveCursor(1), chartOnly: true },
];

listenToKeys(KEYS, () => byId('chart'), list);
byId('keys-button').addEventListener('click', () => list.showModal());
fillLegend(byId('legend'));
setText(byId('version'), version);

/** What is drawn, for tests: read-only, and nothing the page does depends on it. */
function state(): Record<string, unknown> {
  const candles = page.candles;
  const values = [...candles.indicator.values.entries()];
  return {
    ...page.view,
    line: page.line.state,
    mode: page.status.shown?.mode ?? null,
    halted: page.halt.halted,
    candles: candles.bars.length,
    last_bar: candles.bars.at(-1) ?? null,
    last_finished: candles.bars.findLast((bar) => !bar.open_bar) ?? null,
    first_time: candles.bars[0] ? secondsOf(candles.bars[0].open_ns) : null,
    in_sight: candles.chart.inSight().length,
    markers: candles.marks.map(({ time, kind, side, count }) => ({ time, kind, side, count })),
    indicator: { values: values.filter(([, value]) => value !== null).length, last: values.at(-1) ?? null, error: candles.indicator.error },
    equity_points: page.equity.count(),
    services: page.services.shown.map(({ name, healthy }) => ({ name, healthy })),
    messages: page.messages.held.map(({ id, kind, slack, outcome }) => ({ id, kind, slack, outcome })),
  };
}

declare global {
  interface Window { ninefold: { version: string; state: () => Record<string, unknown> } }
}
window.ninefold = { version, state };

void page.start();
