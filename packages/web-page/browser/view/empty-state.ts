import type { Guest } from '../api/migration.js';
import { element, setText } from '../dom/element.js';

/** What is shown before the first migration: how to start one. */
export class EmptyState {
  readonly #command = element('code');
  readonly #guests = element('p');
  readonly node: HTMLElement;

  constructor() {
    this.node = element(
      'div',
      { class: 'empty' },
      element('p', { class: 'lead', text: 'No guest has been migrated from here yet.' }),
      element('p', { text: 'Start a migration on this host:' }),
      element('pre', {}, this.#command),
      this.#guests,
    );
    this.show([]);
  }

  show(guests: readonly Guest[]): void {
    const ready = guests.filter(({ migratable }) => migratable).map(({ name }) => name);
    setText(this.#command, `pageferry migrate ${ready[0] ?? 'GUEST'} --to wss://HOST:7411`);
    setText(
      this.#guests,
      ready.length === 0
        ? 'No guest here can be migrated now: pageferry guests says why.'
        : `Guests that can be migrated from here: ${ready.join(', ')}`,
    );
  }
}
