/**
 * The page of back-tests: all runs that are kept, one of them, or some beside each other.
 *
 * In:  the address. Out: the list, the run or the runs; while one moves about, the address follows: at rest as a step that Back undoes.
 */
import { ApiError, get, takeToken } from './api';
import { byId } from './dom';
import { listenToKeys, plain, type Key } from './keys';
import { Panel } from './panel';
import { runsViewOf, searchOfRuns, type RunsView } from './runs/address';
import { CompareView } from './runs/compare';
import { RunList, type Listed } from './runs/list';
import { RunView, type Shown } from './runs/run';
import { compare, ServedRun } from './runs/served';
import { followTheme } from './theme';
import './runs/runs.css';

const REST_MS = 400;

let view: RunsView = runsViewOf(location.search);
let opened: RunView | CompareView | null = null;
let resting = 0;
let loads = 0;
const panel = new Panel(byId('runs-panel'));
const runHost = byId('run');
const NOTHING = { run: null, compare: null, from: null, to: null, trade: null } as const;
const list = new RunList(byId('runs'), (run) => go({ ...NOTHING, run }), (sorting) => go({ sorting }), (numbers) => go({ ...NOTHING, compare: numbers }));
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
  byId('back').hidden = view.run === null && view.compare === null;
  byId('as-file').hidden = view.run === null;
  panel.loading();
  try {
    if (view.compare !== null) await showCompared(load, view.compare);
    else if (view.run !== null) await showRun(load, view.run);
    else await showList(load);
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

async function showCompared(load: number, numbers: readonly string[]): Promise<void> {
  const found = await compare(numbers);
  if (load !== loads) return;
  document.title = `Runs ${numbers.join(', ')} \u00b7 ninefold`;
  byId('runs').replaceChildren();
  list.mark(numbers);
  opened = new CompareView(runHost, numbers, found, view, follow, (run) => go({ ...NOTHING, run }));
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
  if (opened instanceof CompareView) opened.step(by);
  else if (opened) void opened.trades?.step(by);
  else list.choose(list.chosen + by);
}

function openChosen(): void {
  if (opened instanceof CompareView) opened.openChosen();
  else list.openChosen();
}

const onListed = (): boolean => view.run === null && view.compare === null;

const KEYS: readonly Key[] = [
  { keys: '?', does: 'this list', on: plain('?'), act: () => help.showModal() },
  { keys: 'j', does: 'next run, or next trade', on: plain('j'), act: () => onList(1) },
  { keys: 'k', does: 'run or trade before', on: plain('k'), act: () => onList(-1) },
  { keys: 'Enter', does: 'open the run', on: (e) => plain('Enter')(e) && view.run === null && !(e.target instanceof HTMLButtonElement || e.target instanceof HTMLAnchorElement), act: openChosen },
  { keys: 'x', does: 'mark the run for comparing, or no longer', on: (e) => plain('x')(e) && onListed(), act: () => list.toggleChosen() },
  { keys: 'c', does: 'compare the marked runs', on: (e) => plain('c')(e) && onListed(), act: () => list.compareMarked() },
  { keys: 'Esc', does: 'back to all runs', on: (e) => plain('Escape')(e) && !onListed() && !help.open, act: () => go(NOTHING) },
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
byId('back').addEventListener('click', () => go(NOTHING));
window.addEventListener('popstate', () => { view = runsViewOf(location.search); void show(); });

/** What is shown, for tests: read-only, and nothing the page does depends on it. */
function state(): Record<string, unknown> {
  const plot = opened?.plot;
  const xOf = plot?.xOf;
  const run = opened instanceof RunView ? opened : null;
  const compared = opened instanceof CompareView ? opened.plot : null;
  const [rows, curves] = [run?.plot?.rows, compared?.rows?.curves];
  return {
    ...view, at_rest: !resting, panel: panel.state(), rows: byId('runs').querySelectorAll('tbody tr').length,
    timeframe: rows?.candles.timeframe ?? null, candles: rows?.candles.time.length ?? 0, sight: plot?.sight ?? null,
    marks: run?.plot?.marks.map(({ time, side, count, trade, x }) => ({ time, side, count, trade, x })) ?? [],
    chosen: run?.trades?.chosen ?? compared?.chosen ?? null, places: xOf && plot?.sight ? [xOf(plot.sight.from), xOf(plot.sight.to)] : null,
    curves: curves?.map(({ runs, from, to, time }) => ({ run: runs[0], from: xOf?.(from), to: xOf?.(to), points: time.length })) ?? [],
    labels: compared?.labels ?? [],
  };
}
Object.assign(window, { ninefold: { state } });

takeToken();
void show();
