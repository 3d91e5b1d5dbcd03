import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UnexpectedAnswer } from '../../browser/api/fields.js';
import { migration, migrationPage } from '../../browser/api/migration.js';
import { completedView, viewOf } from '../support/scripted-migration.js';

const view = viewOf();

test('what the agent answers is read', () => {
  const { migrations, next } = migrationPage({ migrations: [completedView(), viewOf()], next: '6f1c' });
  expect(next).toBe('6f1c');
  expect(migrations[0]).toMatchObject({ downtimeMs: 61.4, sentBytes: 1_431_655_765, error: undefined });
  expect(migrations[0]?.downtime?.[0]).toEqual(['stop', 3.1]);
  expect(migrations[1]?.downtime).toBeUndefined();
  expect(migrations[1]?.iterationTable[0]).toMatchObject({ number: 1, bandwidth: undefined });
});

test('what comes from storage is read where there is any', () => {
  const disks = [{ name: 'vda', bytes: 4096, state: 'shared' as const }];
  const storage = { disks, mapped: 3, restored: 2, unrestored: 1 };
  expect(migration(viewOf({ storage })).storage).toEqual(storage);
  expect(view.storage).toBeNull();
  expect(migration(view).storage).toBeUndefined();
});

test('one that is listed has no table of iterations', () => {
  const { iterationTable, ...listed } = completedView();
  expect(iterationTable).not.toEqual([]);
  expect(migrationPage({ migrations: [listed], next: null }).migrations[0]?.iterationTable).toEqual([]);
});

test('a state and a kind of page that a newer agent has are taken as they are', () => {
  const pages = { ...view.pages, dreamt: 3 };
  const read = migration({ ...view, state: 'teleporting', pages, colour: 'red' });
  expect(read.state).toBe('teleporting');
  expect(read.pages).toContainEqual(['dreamt', 3]);
});

test('an answer that lacks something is refused, and what is named', () => {
  expect(() => migration({ ...view, destination: { url: 3 } })).toThrow(
    'destination: url: a text was expected',
  );
});

test('whatever else comes is refused, too', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      expect(() => migration(value)).toThrow(UnexpectedAnswer);
    }),
  );
});
