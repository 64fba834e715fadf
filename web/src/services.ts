/** The nine services as nine boxes, in pipeline order: rate, lag, health, age, and what each last said. */
import type { Service } from './api';
import { element, setText } from './dom';
import { age, duration, rate } from './format';

interface Box { root: HTMLLIElement; health: HTMLElement; rate: HTMLElement; p50: HTMLElement; p99: HTMLElement; age: HTMLElement; detail: HTMLElement }

export class ServiceBoxes {
  private readonly boxes = new Map<string, Box>();
  shown: readonly Service[] = [];

  constructor(private readonly list: HTMLElement) {}

  show(services: readonly Service[]): void {
    this.shown = services;
    for (const service of services) {
      const box = this.boxes.get(service.name) ?? this.add(service.name);
      box.root.classList.toggle('sick', !service.healthy);
      box.root.dataset.healthy = String(service.healthy);
      setText(box.health, service.healthy ? '\u2713 ok' : '\u2717 sick');
      setText(box.rate, `${rate(service.rate)} ${service.unit}`);
      setText(box.p50, `p50 ${duration(service.lag_p50_ns)}`);
      setText(box.p99, `p99 ${duration(service.lag_p99_ns)}`);
      setText(box.age, `age ${service.age_ns === null ? '?' : age(service.age_ns / 1e6)}`);
      setText(box.detail, service.detail);
      box.detail.title = service.detail;
    }
  }

  private add(name: string): Box {
    const box = {
      root: element('li', 'service'), health: element('span', 'health'), rate: element('span', 'rate'), p50: element('span'), p99: element('span'),
      age: element('span', 'box-age'), detail: element('span', 'detail'),
    };
    box.root.append(element('h3', '', name), box.health, box.rate, element('span', 'lag', box.p50, box.p99), box.age, box.detail);
    box.root.dataset.service = name;
    this.list.append(box.root);
    this.boxes.set(name, box);
    return box;
  }
}
