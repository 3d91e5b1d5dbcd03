import { describe, expect, test } from 'vitest';
import { migration, type Migration } from '../../browser/api/migration.js';
import { MigrationStore } from '../../browser/live/migration-store.js';
import { completedView, iterationTable, startedAt, viewOf } from '../support/scripted-migration.js';

const at = (id: string, seconds: number): Migration =>
  migration(completedView({ id, startedAt: startedAt + seconds * 1000 }));

const idsOf = (store: MigrationStore): string[] => store.migrations.map(({ id }) => id);

describe('pages of the list', () => {
  test('come one after the other, and a fresh look at the newest keeps the older ones', () => {
    const store = new MigrationStore();
    store.takeNewest({ migrations: [at('d', 4), at('c', 3)], next: 'c' });
    expect(store.oldest).toBe('c');
    store.takeOlder({ migrations: [at('b', 2)], next: 'b' });
    store.takeNewest({ migrations: [at('e', 5), at('d', 4)], next: 'd' });
    expect(idsOf(store)).toEqual(['e', 'd', 'c', 'b']);
    expect(store.hasOlder).toBe(true);
    store.takeOlder({ migrations: [at('a', 1)], next: undefined });
    expect(idsOf(store)).toEqual(['e', 'd', 'c', 'b', 'a']);
    expect(store.hasOlder).toBe(false);
  });

  test('lose what has been deleted', () => {
    const store = new MigrationStore();
    store.takeNewest({ migrations: [at('d', 4), at('c', 3), at('b', 2)], next: undefined });
    store.takeNewest({ migrations: [at('d', 4), at('b', 2)], next: undefined });
    expect(idsOf(store)).toEqual(['d', 'b']);
  });
});

describe('news', () => {
  const [first, second, third] = iterationTable(3);
  const rows = [first, second, third].filter((row) => row !== undefined);
  const taken = (...views: readonly Migration[]): Migration | undefined => {
    const store = new MigrationStore();
    store.takeNewest({ migrations: views.slice(0, 1), next: undefined });
    for (const view of views.slice(1)) store.take(view);
    return store.migrations[0];
  };

  test('add their iterations to those that are known', () => {
    const known = migration(viewOf({ iterationTable: rows.slice(0, 2) }));
    const news = migration(viewOf({ iterationTable: rows.slice(1), totalMs: 12_000 }));
    const now = taken(known, news);
    expect(now?.totalMs).toBe(12_000);
    expect(now?.iterationTable.map(({ number }) => number)).toEqual([1, 2, 3]);
  });

  test('of a list, which has no iterations, leave those that are known', () => {
    const known = migration(viewOf({ iterationTable: rows }));
    const listed = migration(viewOf({ iterationTable: [], totalMs: 12_000 }));
    const now = taken(known, listed);
    expect(now?.totalMs).toBe(12_000);
    expect(now?.iterationTable).toHaveLength(3);
  });

  test('that come late do not take it back', () => {
    const known = migration(completedView());
    expect(taken(known, migration(viewOf()))?.state).toBe('completed');
    const running = migration(viewOf({ totalMs: 9000 }));
    expect(taken(running, migration(viewOf({ totalMs: 8000 })))?.totalMs).toBe(9000);
  });

  test('of one that is not listed are left alone', () => {
    expect(taken(at('c', 3), at('d', 4))?.id).toBe('c');
  });
});
