/**
 * The page of back-tests: all runs that are kept, or one of them.
 *
 * In:  the address. Out: the list or the run; while one moves about, the address follows: at rest as a step that Back undoes.
 */
import { ApiError, get, takeToken } from './api';
import { byId } from './dom';
import { listenToKeys, plain, type Key } from './keys';
import { Panel } from './panel';
import { runsViewOf, searchOfRuns, type RunsView } from './runs/address';
import { RunList, type Listed } from './runs/list';
import { RunView, type Shown } from './runs/run';
import { ServedRun } from './runs/served';
import { followTheme } from './theme';
import './runs/runs.css';

const REST_MS = 400;

let view: RunsView = runsViewOf(location.search);
let opened: RunView | null = null;
let resting = 0;
let loads = 0;
const panel = new Panel(byId('runs-panel'));
const runHost = byId('run');
const list = new RunList(byId('runs'), (run) => go({ run, from: null, to: null, trade: null }), (sorting) => go({ sorting }));
const help = byId<HTMLDialogElement>('keys');

/** Change what is shown; Back undoes it. */
function go(change: Partial<RunsView>): void {
  view = { ...view, ...change };
  history.pushState(null, '', location.pathname + searchOfRuns(view));
  void show();
}

async function show(): Promise<void> {
  const load = ++loads;
  opened = null;
  byId('back').hidden = view.run === null;
  byId('as-file').hidden = view.run === null;
  panel.loading();
  try {
    if (view.run === null) await showList(load);
    else await showRun(load, view.run);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (load === loads) panel.error(error.message, () => void show());
  }
}

async function showList(load: number): Promise<void> {
  const { backtests } = await get<{ backtests: Listed[] }>('backtests');
  if (load !== loads) return;
  document.title = 'Back-tests \u00b7 ninefold';
  runHost.replaceChildren();
  list.show(backtests, view.sorting);
  if (backtests.length) panel.ready();
  else panel.empty('No back-test was run yet', 'Each one is kept in the data dir: `ninefold backtest --strategy sma_cross --bars FILE.parquet` makes the first.');
}

async function showRun(load: number, number: string): Promise<void> {
  const source = await ServedRun.open(number);
  if (load !== loads) return;
  document.title = `${String(source.head.document.strategy ?? source.head.kind)}, run ${number} \u00b7 ninefold`;
  byId('runs').replaceChildren();
  const link = byId<HTMLAnchorElement>('as-file');
  link.href = `api/v1/backtests/${number}/report`;
  link.hidden = takeToken() !== null; // a link carries no token
  opened = new RunView(runHost, source, view, follow);
  panel.ready();
}

/** The address follows at once, and keeps a step for Back when it comes to rest. */
function follow(shown: Shown): void {
  const next = searchOfRuns({ ...view, ...shown });
  if (next === searchOfRuns(view)) return;
  if (!resting) history.pushState(null, '', location.pathname + next);
  else history.replaceState(null, '', location.pathname + next);
  view = { ...view, ...shown };
  window.clearTimeout(resting);
  resting = window.setTimeout(() => { resting = 0; }, REST_MS);
}

function onList(by: number): void {
  if (view.run === null) list.choose(list.chosen + by);
  else void opened?.trades?.step(by);
}

const KEYS: readonly Key[] = [
  { keys: '?', does: 'this list', on: plain('?'), act: () => help.showModal() },
  { keys: 'j', does: 'next run, or next trade', on: plain('j'), act: () => onList(1) },
  { keys: 'k', does: 'run or trade before', on: plain('k'), act: () => onList(-1) },
  { keys: 'Enter', does: 'open the run', on: (e) => plain('Enter')(e) && view.run === null && !(e.target instanceof HTMLButtonElement || e.target instanceof HTMLAnchorElement), act: () => list.openChosen() },
  { keys: 'Esc', does: 'back to all runs', on: (e) => plain('Escape')(e) && view.run !== null && !help.open, act: () => go({ run: null, from: null, to: null, trade: null }) },
  { keys: 'd', does: 'the picture as a table', on: plain('d'), act: () => opened?.plot && opened.toggleTwin() },
  { keys: '+', does: 'closer', on: plain('+'), act: () => opened?.plot?.zoom(0.7) },
  { keys: '-', does: 'farther', on: plain('-'), act: () => opened?.plot?.zoom(1 / 0.7) },
  { keys: 'Home', does: 'the whole run', on: plain('Home'), act: () => opened?.plot?.showAll(), chartOnly: true },
  { keys: 'Shift-\u2190', does: 'a screen older', on: plain('ArrowLeft', true), act: () => opened?.plot?.pan(-0.8), chartOnly: true },
  { keys: 'Shift-\u2192', does: 'a screen newer', on: plain('ArrowRight', true), act: () => opened?.plot?.pan(0.8), chartOnly: true },
  { keys: '\u2190', does: 'one candle older', on: plain('ArrowLeft'), act: () => opened?.plot?.step(-1), chartOnly: true },
  { keys: '\u2192', does: 'one candle newer', on: plain('ArrowRight'), act: () => opened?.plot?.step(1), chartOnly: true },
];

followTheme(() => opened?.plot?.drawSoon());
listenToKeys(KEYS, () => opened?.picture ?? null, help);
byId('keys-button').addEventListener('click', () => help.showModal());
byId('back').addEventListener('click', () => go({ run: null, from: null, to: null, trade: null }));
window.addEventListener('popstate', () => { view = runsViewOf(location.search); void show(); });

/** What is shown, for tests: read-only, and nothing the page does depends on it. */
function state(): Record<string, unknown> {
  const plot = opened?.plot;
  const xOf = plot?.xOf;
  return {
    ...view, at_rest: !resting, panel: panel.state(), rows: byId('runs').querySelectorAll('tbody tr').length,
    timeframe: plot?.rows?.candles.timeframe ?? null, candles: plot?.rows?.candles.time.length ?? 0, sight: plot?.sight ?? null,
    marks: plot?.marks.map(({ time, side, count, trade, x }) => ({ time, side, count, trade, x })) ?? [],
    chosen: opened?.trades?.chosen ?? null, places: xOf && plot?.sight ? [xOf(plot.sight.from), xOf(plot.sight.to)] : null,
  };
}
Object.assign(window, { ninefold: { state } });

takeToken();
void show();
