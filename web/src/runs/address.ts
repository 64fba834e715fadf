/** What the page of back-tests shows, as its address: a link opened elsewhere gives the same picture. */
import { NEWEST, type Sorting } from './list';

export const [LEAST_COMPARED, MOST_COMPARED] = [2, 8];

/** `from` and `to` in seconds: the stretch in sight, null for all. `compare`: the runs beside each other, instead of one. */
export interface RunsView { run: string | null; compare: readonly string[] | null; from: number | null; to: number | null; trade: string | null; sorting: Sorting }

export function runsViewOf(search: string): RunsView {
  const query = new URLSearchParams(search);
  const whole = (name: string): number | null => (/^\d{1,12}$/.test(query.get(name) ?? '') ? Number(query.get(name)) : null);
  const [from, to] = [whole('from'), whole('to')];
  const sort = /^(-?)([a-z_]+)$/.exec(query.get('sort') ?? '');
  const compared = [...new Set((query.get('compare') ?? '').split(',').filter((number) => /^\d{1,12}$/.test(number)))].slice(0, MOST_COMPARED);
  const seen = from !== null && to !== null && from < to;
  return {
    run: /^\d{1,12}$/.test(query.get('run') ?? '') ? query.get('run') : null,
    compare: compared.length >= LEAST_COMPARED ? compared : null,
    from: seen ? from : null, to: seen ? to : null,
    trade: /^\d{1,12}$/.test(query.get('trade') ?? '') ? query.get('trade') : null,
    sorting: sort ? { name: sort[2]!, down: sort[1] === '-' } : NEWEST,
  };
}

export function searchOfRuns(view: RunsView): string {
  const query = new URLSearchParams();
  if (view.sorting.name !== NEWEST.name || view.sorting.down !== NEWEST.down) query.set('sort', (view.sorting.down ? '-' : '') + view.sorting.name);
  if (view.run !== null) query.set('run', view.run);
  if (view.compare !== null) query.set('compare', view.compare.join(','));
  if (view.from !== null && view.to !== null) {
    query.set('from', String(Math.floor(view.from)));
    query.set('to', String(Math.ceil(view.to)));
  }
  if (view.trade !== null) query.set('trade', view.trade);
  return query.size ? `?${query}`.replaceAll('%2C', ',') : '';
}
