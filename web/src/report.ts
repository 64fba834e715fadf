/** A report: one run out of the file that this script is in. Nothing is asked of anybody. */
import { byId } from './dom';
import { PackedRun } from './runs/packed';
import { RunView } from './runs/run';
import { followTheme } from './theme';
import './style.css';
import './runs/runs.css';

const NOTHING = { from: null, to: null, trade: null };
let view: RunView | null = null;

document.body.classList.add('report');
followTheme(() => view?.plot?.drawSoon());
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target instanceof HTMLSelectElement) return;
  const onPicture = event.target === view?.picture;
  if (event.key === 'j' || event.key === 'k') void view?.trades?.step(event.key === 'j' ? 1 : -1);
  else if (event.key === 'd' && view?.plot) view.toggleTwin();
  else if (event.key === '+' || event.key === '-') view?.plot?.zoom(event.key === '+' ? 0.7 : 1 / 0.7);
  else if (onPicture && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) view?.plot?.[event.shiftKey ? 'pan' : 'step'](event.key === 'ArrowLeft' ? -1 : 1);
});

async function start(): Promise<void> {
  const source = await PackedRun.open(byId('packed').textContent ?? '');
  view = new RunView(byId('run'), source, NOTHING, () => undefined);
  const { plot } = view;
  Object.assign(window, { ninefold: { state: () => ({ sight: plot?.sight ?? null, timeframe: plot?.rows?.candles.timeframe ?? null, candles: plot?.rows?.candles.time.length ?? 0, marks: plot?.marks ?? [], chosen: view?.trades?.chosen ?? null }) } });
}

void start();
