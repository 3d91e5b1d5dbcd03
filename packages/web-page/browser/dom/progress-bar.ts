import { formatPercent } from '../view/format.js';
import { isOver } from '../view/phases.js';
import { progressOf } from '../view/progress.js';
import type { Migration } from '../api/migration.js';
import { element, setAttribute, setText } from './element.js';

/** What of the guest's memory has arrived. */
export class ProgressBar {
  readonly #bar = element('progress', { attributes: { max: '1', 'aria-label': 'Memory that has arrived' } });
  readonly #percent = element('span', { class: 'percent' });
  readonly node = element('span', { class: 'progress' }, this.#bar, this.#percent);

  show(migration: Migration): void {
    const { arrived } = progressOf(migration);
    // What never arrived is of no use any more.
    const isLost = isOver(migration) && migration.state !== 'completed';
    this.node.classList.toggle('stale', isLost);
    if (arrived === undefined) {
      this.#bar.value = 0;
      setText(this.#percent, '–');
      return;
    }
    if (this.#bar.value !== arrived) this.#bar.value = arrived;
    setText(this.#percent, formatPercent(arrived));
    setAttribute(this.#bar, 'aria-valuetext', formatPercent(arrived));
  }
}
