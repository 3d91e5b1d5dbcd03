import type { Guest, Migration } from '../api/migration.js';
import { button, element, setText } from '../dom/element.js';
import { EmptyState } from './empty-state.js';
import { MigrationRow } from './migration-row.js';
import { isOver } from './phases.js';

const columns: readonly (readonly [title: string, className: string])[] = [
  ['Guest', 'guest'],
  ['Destination', 'destination'],
  ['Mode', 'mode'],
  ['State', 'state'],
  ['Arrived', 'arrived'],
  ['Remaining', 'remaining number'],
  ['Sent', 'sent number'],
  ['Rate', 'rate number'],
  ['Downtime', 'downtime number'],
  ['Started', 'started number'],
  ['Duration', 'duration number'],
];

/** All migrations: those under way, and those before. */
export class ListView {
  readonly #count = element('span', { class: 'count' });
  readonly #underway = new Group('Under way');
  readonly #before = new Group('Before');
  readonly #older: HTMLButtonElement;
  readonly #empty = new EmptyState();
  readonly #table: HTMLElement;
  readonly node = element('section', { attributes: { 'aria-labelledby': 'list-title' } });

  /** @param onOlder asks for the next page */
  constructor(onOlder: () => void) {
    this.#older = button('Show older ones', onOlder);
    const head = columns.map(([text, name]) =>
      element('th', { text, class: name, attributes: { scope: 'col' } }),
    );
    this.#table = element(
      'table',
      { class: 'migrations' },
      element('thead', {}, element('tr', {}, ...head)),
      this.#underway.node,
      this.#before.node,
    );
    this.node.append(
      element(
        'div',
        { class: 'heading' },
        element('h1', { text: 'Migrations', attributes: { id: 'list-title' } }),
        this.#count,
      ),
      this.#table,
      this.#empty.node,
      element('div', { class: 'more' }, this.#older),
    );
  }

  show(migrations: readonly Migration[], hasOlder: boolean, now: number): void {
    const underway = migrations.filter((migration) => !isOver(migration));
    const before = migrations.filter(isOver);
    this.#underway.show(underway, now);
    this.#before.show(before, now);
    setText(this.#count, underway.length === 0 ? 'none under way' : `${underway.length} under way`);
    this.#table.hidden = migrations.length === 0;
    this.#empty.node.hidden = migrations.length > 0;
    this.#older.hidden = !hasOlder;
  }

  showGuests(guests: readonly Guest[]): void {
    this.#empty.show(guests);
  }
}

class Group {
  readonly #title: HTMLElement;
  readonly #rows = new Map<string, MigrationRow>();
  readonly node: HTMLElement;

  constructor(text: string) {
    const attributes = { scope: 'rowgroup', colspan: String(columns.length) };
    this.#title = element('tr', { class: 'group' }, element('th', { text, attributes }));
    this.node = element('tbody', {}, this.#title);
  }

  show(migrations: readonly Migration[], now: number): void {
    this.node.hidden = migrations.length === 0;
    const ids = new Set(migrations.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.node.remove();
      this.#rows.delete(id);
    }
    let place: Element = this.#title;
    for (const migration of migrations) {
      const row = this.#rows.get(migration.id) ?? new MigrationRow(migration.id);
      this.#rows.set(migration.id, row);
      row.show(migration, now);
      // Whoever is where they belong keeps the focus.
      if (place.nextElementSibling !== row.node) place.after(row.node);
      place = row.node;
    }
  }
}
