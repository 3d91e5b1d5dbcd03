import type { Migration } from '../api/migration.js';
import { byId } from '../dom/element.js';
import { meaningOf } from './phases.js';

/** Tells those who do not see the page what has become of a migration. */
export class Announcer {
  readonly #node = byId('announcer');
  readonly #states = new Map<string, string>();

  take({ id, guest, state }: Migration): void {
    const before = this.#states.get(id);
    this.#states.set(id, state);
    if (before === undefined || before === state) return;
    const { label, words } = meaningOf(state);
    this.#node.textContent = `${guest}: ${label}, ${words}`;
  }
}
