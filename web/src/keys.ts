/** The keyboard: `?` lists it. Single keys never send an order and are silent while one types. */
import { element } from './dom';

export interface Key { keys: string; does: string; on: (event: KeyboardEvent) => boolean; act: () => void; whileTyping?: boolean; chartOnly?: boolean }

export function plain(key: string, shift = false): (event: KeyboardEvent) => boolean {
  return (event) => event.key === key && !event.ctrlKey && !event.altKey && !event.metaKey && (!shift || event.shiftKey);
}

export function listenToKeys(keys: readonly Key[], chart: () => HTMLElement | null, list: HTMLDialogElement): void {
  document.addEventListener('keydown', (event) => {
    const typing = event.target instanceof Element && event.target.matches('input:not([type=checkbox]), select, textarea');
    const onChart = event.target === chart();
    const key = keys.find((candidate) => candidate.on(event) && (!typing || candidate.whileTyping) && (!candidate.chartOnly || onChart));
    if (!key) return;
    event.preventDefault();
    key.act();
  });
  const rows = keys.map((key) => element('tr', '', element('td', '', element('kbd', '', key.keys)), element('td', '', key.does + (key.chartOnly ? ' (chart focused)' : ''))));
  const close = element('button', 'plain', 'Close (Esc)');
  close.type = 'button';
  close.addEventListener('click', () => list.close());
  list.setAttribute('aria-label', 'Keys');
  list.replaceChildren(element('h2', '', 'Keys'), element('table', '', element('tbody', '', ...rows)), close);
}
