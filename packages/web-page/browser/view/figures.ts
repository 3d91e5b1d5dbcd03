import type { Migration } from '../api/migration.js';
import { element, setText } from '../dom/element.js';
import { formatBytes, formatCount, formatDuration, formatRate, formatTime, known } from './format.js';
import { progressOf } from './progress.js';

type Figures = readonly (readonly [name: string, value: string])[];

/** Names and values, whose names stay the same. */
export class FigureList {
  readonly #values = new Map<string, HTMLElement>();
  readonly node: HTMLElement;

  constructor(className: string) {
    this.node = element('dl', { class: className });
  }

  show(figures: Figures): void {
    for (const [name, text] of figures) {
      let value = this.#values.get(name);
      if (value === undefined) {
        value = element('dd');
        this.#values.set(name, value);
        this.node.append(element('div', {}, element('dt', { text: name }), value));
      }
      setText(value, text);
    }
  }
}

/** What changes while it runs. */
export function liveFigures(migration: Migration): Figures {
  const { remainingBytes, downtimeMs } = progressOf(migration);
  const { sentBytes, bandwidth, dirtyRate, totalMs } = migration;
  return [
    ['Remaining', known(remainingBytes, formatBytes)],
    ['Sent', formatBytes(sentBytes)],
    ['Bandwidth', known(bandwidth, formatRate)],
    ['Guest writes', known(dirtyRate, formatRate)],
    ['Downtime', known(downtimeMs, formatDuration)],
    ['Duration', formatDuration(totalMs)],
  ];
}

/** What was asked for, and what the rest is about. */
export function settledFigures(migration: Migration): Figures {
  const { id, destination, mode, memory, startedAt, iterations, downtimeLimitMs, timeLimitMs } = migration;
  const { precopy, postcopy } = migration.bandwidthCaps;
  return [
    ['Migration', id],
    ['Destination', destination.url],
    ['Guest there', destination.guest],
    ['Mode', mode],
    ['Memory', known(memory?.bytes, formatBytes)],
    ['Started', formatTime(startedAt)],
    ['Iterations', formatCount(iterations)],
    ['Downtime limit', formatDuration(downtimeLimitMs)],
    ['Time limit', formatDuration(timeLimitMs)],
    ['When stalled', migration.whenStalled],
    ['Cap in pre-copy', capOf(precopy)],
    ['Cap in post-copy', capOf(postcopy)],
  ];
}

const capOf = (cap: number): string => (cap === 0 ? 'none' : formatRate(cap));
