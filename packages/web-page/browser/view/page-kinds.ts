import type { Migration } from '../api/migration.js';
import { element } from '../dom/element.js';
import { formatBytes, formatCount, formatPercent, known } from './format.js';
import { pageBytesOf } from './progress.js';

const names: Readonly<Record<string, string>> = {
  normal: 'as they are',
  compressed: 'compressed',
  delta: 'as a delta',
  unchanged: 'found unchanged',
  zero: 'zero',
};
/** Kinds that say how a page came to be sent; the others, how it was encoded. */
const causes: Readonly<Record<string, string>> = {
  requested: 'requested in post-copy',
  pushed: 'pushed in post-copy',
};

/** How many pages went in which way. */
export class PageKinds {
  readonly #body = element('tbody');
  readonly node: HTMLElement;

  constructor() {
    const heads = ['Pages', 'Count', 'Memory', 'Share'].map((text, index) =>
      element('th', { text, class: index === 0 ? '' : 'number', attributes: { scope: 'col' } }),
    );
    this.node = element(
      'table',
      { class: 'kinds' },
      element('thead', {}, element('tr', {}, ...heads)),
      this.#body,
    );
  }

  show(migration: Migration): void {
    const pageBytes = pageBytesOf(migration);
    const encoded = migration.pages.filter(([kind]) => !(kind in causes));
    const total = encoded.reduce((sum, [, count]) => sum + count, 0);
    const rows = migration.pages
      .filter(([kind, count]) => count > 0 || !(kind in causes))
      .map(([kind, count]) => {
        const share = kind in causes || total === 0 ? '' : formatPercent(count / total);
        const bytes = pageBytes === undefined ? undefined : count * pageBytes;
        return element(
          'tr',
          {},
          element('th', { text: names[kind] ?? causes[kind] ?? kind, attributes: { scope: 'row' } }),
          element('td', { class: 'number', text: formatCount(count) }),
          element('td', { class: 'number', text: known(bytes, formatBytes) }),
          element('td', { class: 'number', text: share }),
        );
      });
    this.#body.replaceChildren(...rows);
  }
}
