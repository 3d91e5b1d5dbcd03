import { randomUUID } from 'node:crypto';
import { appendFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Value } from '@sinclair/typebox/value';
import { beforeEach, describe, expect, test } from 'vitest';
import { GangJournal, gangDirectory } from '../../src/gang/gang-journal.js';
import { GangRequest } from '../../src/gang/gang-request.js';
import type { GangView } from '../../src/gang/gang-resource.js';
import { Gangs } from '../../src/gang/gangs.js';
import { OutgoingMigrations } from '../../src/outgoing-migrations.js';
import type { OutgoingView } from '../../src/outgoing-resource.js';
import { viewRequest } from '../../src/view-request.js';
import { requestFor, sourceHost, type SourceHost } from '../support/source-host.js';

let host: SourceHost;
let directory: string;

beforeEach(async () => {
  host = await sourceHost();
  directory = gangDirectory(host.configuration.stateDirectory);
});

/**
 * An agent that takes up what earlier ones have left.
 * @param views what it knows of migrations
 */
async function startAgent(views: readonly OutgoingView[] = []): Promise<Gangs> {
  const { configuration, log } = host;
  const { signal } = new AbortController();
  const migrations = new OutgoingMigrations(configuration, log, signal);
  const known = {
    views: [...views],
    start: migrations.start.bind(migrations),
    allToMove: migrations.allToMove.bind(migrations),
  };
  const gangs = new Gangs(known, configuration, log, signal);
  await gangs.takeUp();
  return gangs;
}

/** Of guests that are not there: all of them fail at once. */
async function runGang(gangs: Gangs, guests: readonly string[]): Promise<GangView> {
  const destination = { url: 'ws://127.0.0.1:9' };
  const { id } = await gangs.start(Value.Parse(GangRequest, { guests, destination, whenOneFails: 'stop' }));
  await gangs.settled();
  return gangs.view(id);
}

describe('a gang that has ended', () => {
  test('is shown as it ended, and cannot be changed any more', async () => {
    const gangs = await startAgent();
    const view = await runGang(gangs, ['a', 'b']);
    expect(view).toMatchObject({ state: 'failed' });
    expect(gangs.views).toEqual([view]);
    expect(() => gangs.find(view.id)).toThrow(/over: it is failed/);
  });

  test("is known to the agent's next run", async () => {
    const earlier = await startAgent();
    const view = await runGang(earlier, ['a', 'b']);
    const later = await startAgent();
    expect(later.views).toEqual([view]);
    expect(later.ended(view.id)?.events).toBe(earlier.ended(view.id)?.events);
    expect(later.underwayCount).toBe(0);
  });

  test('is forgotten with its journal when a hundred have ended after it', async () => {
    const gangs = await startAgent();
    const first = await runGang(gangs, ['a']);
    for (let later = 0; later < 100; later++) await runGang(gangs, ['a']);
    expect(() => gangs.view(first.id)).toThrow(/no gang/);
    expect((await startAgent()).views).toHaveLength(100);
  });
});

describe('a gang whose agent ended before it did', () => {
  /** Leaves a gang of three guests, of which the last was not begun. */
  async function leave(migrations: Readonly<Record<string, string>>): Promise<string> {
    const { log } = host;
    const gangs = await startAgent();
    const ended = await runGang(gangs, ['a', 'b', 'c']);
    const id = randomUUID();
    const journal = await GangJournal.open(
      directory,
      { ...ended, id, state: 'active', startedAt: 1000 },
      log,
    );
    for (const [guest, migration] of Object.entries(migrations)) journal.migration(guest, migration);
    await journal.close();
    return id;
  }

  const migration = (id: string, guest: string, state: OutgoingView['state']): OutgoingView => ({
    ...viewRequest(id, requestFor(guest), 2000),
    state,
    totalMs: 500,
    bytes: { sent: 10 },
  });

  test('tells what has become of its guests', async () => {
    const id = await leave({ a: 'm1', b: 'm2' });
    const gangs = await startAgent([migration('m1', 'a', 'completed'), migration('m2', 'b', 'failed')]);
    const view = gangs.view(id);
    expect(view).toMatchObject({ id, state: 'failed', totalMs: 1500, sent: { bytes: 20 } });
    expect(view.guests.map(({ state }) => state)).toEqual(['moved', 'failed', 'skipped']);
    expect(view.guests.map(({ migration: of }) => of)).toEqual(['m1', 'm2', null]);
  });

  test('is active while one of them goes on', async () => {
    const id = await leave({ a: 'm1' });
    const view = migration('m1', 'a', 'postcopy-paused');
    const gangs = await startAgent([view]);
    expect(gangs.view(id)).toMatchObject({ state: 'active', guests: [{ state: 'moving' }, {}, {}] });
    view.state = 'completed';
    expect(gangs.view(id)).toMatchObject({ state: 'failed', guests: [{ state: 'moved' }, {}, {}] });
  });

  test('has failed for a guest of whose migration nothing is known', async () => {
    const id = await leave({ a: 'm1' });
    const gangs = await startAgent([]);
    expect(gangs.view(id).guests.map(({ state }) => state)).toEqual(['failed', 'skipped', 'skipped']);
  });

  test('is shown also if its last record was torn', async () => {
    const id = await leave({ a: 'm1' });
    await appendFile(join(directory, `${id}.journal`), 'deadbeef {"event":"mig');
    const gangs = await startAgent([migration('m1', 'a', 'completed')]);
    expect(gangs.view(id).guests[0]?.state).toBe('moved');
  });

  test('and did not say how it began leaves nothing', async () => {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'torn.journal'), 'dead');
    expect((await startAgent()).views).toEqual([]);
    expect(await readdir(directory)).toEqual([]);
  });
});
