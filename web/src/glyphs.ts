/** The shapes of marks as inline SVG with text, for the legend and the messages: the same shapes the chart draws. */
import { element } from './dom';

export type Glyph = 'may' | 'has' | 'alarm' | 'buy' | 'sell' | 'up' | 'down' | 'flat' | 'open' | 'hole';

const SHAPES: Record<Glyph, [tag: string, attributes: Record<string, string>][]> = {
  may: [['circle', { cx: '7', cy: '7', r: '4.5', class: 'stroke may' }]],
  has: [['circle', { cx: '7', cy: '7', r: '5', class: 'fill has' }]],
  alarm: [['path', { d: 'M7 1.5 13 12.5H1z', class: 'stroke warn' }], ['path', { d: 'M7 5v4M7 10v1.5', class: 'stroke warn' }]],
  buy: [['path', { d: 'M7 2 12 12H2z', class: 'fill up' }]],
  sell: [['path', { d: 'M7 12 12 2H2z', class: 'fill down' }]],
  up: [['path', { d: 'M7 0v3M7 11v3', class: 'stroke up' }], ['rect', { x: '4', y: '3', width: '6', height: '8', class: 'stroke up' }]],
  down: [['path', { d: 'M7 0v14', class: 'stroke down' }], ['rect', { x: '4', y: '3', width: '6', height: '8', class: 'fill down' }]],
  flat: [['path', { d: 'M3 7h8', class: 'stroke quiet' }]],
  open: [['path', { d: 'M7 0v3M7 11v3', class: 'stroke quiet' }], ['rect', { x: '4', y: '3', width: '6', height: '8', class: 'stroke quiet' }]],
  hole: [['path', { d: 'M0 8 8 0M0 14 14 0M6 14l8-8', class: 'stroke thin' }]],
};

export function glyph(kind: Glyph): SVGSVGElement {
  const svg = svgElement('svg', { viewBox: '0 0 14 14', width: '14', height: '14', class: 'glyph', 'aria-hidden': 'true' }) as SVGSVGElement;
  for (const [tag, attributes] of SHAPES[kind]) svg.append(svgElement(tag, attributes));
  return svg;
}

const LEGEND: [Glyph, string][] = [
  ['up', 'up'], ['down', 'down'], ['flat', 'flat: no trades'], ['open', 'still open'], ['hole', 'unknown or missing'],
  ['may', 'MAY'], ['has', 'HAS'], ['buy', 'fill: bought'], ['sell', 'fill: sold'],
];

export function fillLegend(list: HTMLElement): void {
  list.replaceChildren(...LEGEND.map(([kind, text]) => element('li', '', glyph(kind), text)),
    element('li', 'muted', 'MAY and HAS: sell above, buy below \u00b7 a bar is named by its opening time'));
}

export function svgElement(tag: string, attributes: Record<string, string>): SVGElement {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
