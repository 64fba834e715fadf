/** Small builders. Text from outside enters the page only through `textContent`. */
import { digitGroups } from './format';

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element with id ${id}`);
  return found as T;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K, className = '', ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/** A number whose thousands are set apart for the eye only: copied, it is the text of the API. */
export function number(text: string): HTMLElement {
  return element('span', 'num', ...digitGroups(text).map((group) => element('span', 'group', group)));
}

/** Change text only when it differs: no selection is lost and no layout is done for nothing. */
export function setText(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}
