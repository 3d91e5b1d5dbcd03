import type { Migration } from '../api/migration.js';
import { element } from '../dom/element.js';
import { FigureList } from './figures.js';
import { formatBytes, formatCount } from './format.js';
import { pageBytesOf } from './progress.js';

/** Whether the destination has a disk of the guest's, by the states in the resource. */
const meanings: Readonly<Record<string, string>> = {
  untried: 'not tried yet',
  trying: 'being compared',
  shared: 'shared',
  different: 'not shared',
};

/** Page cache that came from disks of both hosts; nothing to be seen where it could not. */
export class StoragePanel {
  readonly #figures = new FigureList('facts');
  readonly node = element(
    'section',
    { class: 'panel storage' },
    element('h2', { text: 'From shared storage' }),
    this.#figures.node,
  );

  show(migration: Migration): void {
    const { storage } = migration;
    this.node.hidden = storage === undefined;
    if (storage === undefined) return;
    const { mapped, restored, unrestored, disks } = storage;
    const pageBytes = pageBytesOf(migration);
    const pages = (count: number): string =>
      pageBytes === undefined
        ? formatCount(count)
        : `${formatCount(count)} (${formatBytes(count * pageBytes)})`;
    this.#figures.show([
      ['Pages restored', pages(restored)],
      ['Sent after all', pages(unrestored)],
      ['Known on disks', pages(mapped)],
      ...disks.map(
        ({ name, bytes, state }) =>
          [`Disk ${name}`, `${formatBytes(bytes)}, ${meanings[state] ?? state}`] as const,
      ),
    ]);
  }
}
