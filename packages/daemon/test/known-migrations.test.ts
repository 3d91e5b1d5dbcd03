import { beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../src/journal.js';
import { KnownMigrations } from '../src/known-migrations.js';
import { recordingLog } from './support/log-lines.js';
import { storedJournals } from './support/stored-journals.js';
import { temporaryDirectory } from './support/temporary-directory.js';

interface View {
  readonly id: string;
  readonly state: string;
}

class One {
  readonly id: string;
  state = 'active';

  constructor(id: string) {
    this.id = id;
  }

  get view(): View {
    return { id: this.id, state: this.state };
  }
}

const mostRemembered = 2;
const { log } = recordingLog();

let directory: string;
let known: KnownMigrations<View, One>;

beforeEach(async () => {
  directory = await temporaryDirectory();
  known = new KnownMigrations({ what: 'gang', directory, mostRemembered, log });
});

function begun(id: string): One {
  const one = new One(id);
  known.begin(one);
  return one;
}

function ended(id: string, events = 0): void {
  const one = begun(id);
  one.state = 'completed';
  known.end(one, events);
}

describe('KnownMigrations', () => {
  it('shows one that is under way as it is, and one that has ended as it was', () => {
    const one = begun('one');
    one.state = 'device';
    expect(known.view('one').state).toBe('device');
    known.end(one, 7);
    one.state = 'lost';
    expect(known.view('one').state).toBe('device');
    expect(known.ended('one')).toEqual({ view: { id: 'one', state: 'device' }, events: 7 });
    expect(known.underway).toEqual([]);
  });

  it('lists those that have ended first', () => {
    begun('under-way');
    known.addEnded({ view: { id: 'earlier', state: 'failed' }, events: 0 });
    ended('over');
    expect(known.views.map(({ id }) => id)).toEqual(['earlier', 'over', 'under-way']);
  });

  it('tells of each that ends, and not of what ended in an earlier run or was dropped', () => {
    const told: string[] = [];
    known.onEnd(({ id }) => told.push(id));
    known.addEnded({ view: { id: 'earlier', state: 'failed' }, events: 0 });
    begun('dropped');
    known.drop('dropped');
    ended('over');
    expect(told).toEqual(['over']);
    expect(known.views.map(({ id }) => id)).toEqual(['earlier', 'over']);
  });

  it('says of one that is not under way that it is over, or not known', () => {
    const one = begun('one');
    expect(known.requireUnderway('one')).toBe(one);
    known.end(one, 0);
    const refusal = (id: string) => {
      try {
        return known.requireUnderway(id);
      } catch (thrown) {
        return thrown;
      }
    };
    expect(refusal('one')).toMatchObject({
      code: 'migration-state',
      message: 'the gang is over: it is active',
    });
    expect(refusal('other')).toMatchObject({
      code: 'migration-not-found',
      message: 'no gang other is known here',
    });
    expect(known.findUnderway('one')).toBeUndefined();
  });

  it('forgets the oldest of more than it remembers, and their journals', async () => {
    const { writeJournal } = storedJournals(directory, log);
    for (const id of ['first', 'second', 'third']) {
      await writeJournal(id, [{ event: 'started' }]);
      ended(id);
    }
    expect(known.views.map(({ id }) => id)).toEqual(['second', 'third']);
    const left = async () => (await Journal.readAll(directory)).map(({ id }) => id);
    await expect.poll(left).toEqual(['second', 'third']);
  });

  it('deletes one with its journal when it is over, and not before', async () => {
    await storedJournals(directory, log).writeJournal('one', [{ event: 'started' }]);
    const one = begun('one');
    await expect(known.delete('one')).rejects.toMatchObject({ code: 'migration-state' });
    known.end(one, 0);
    await known.delete('one');
    expect(known.views).toEqual([]);
    expect(await Journal.readAll(directory)).toEqual([]);
    await expect(known.delete('one')).rejects.toMatchObject({ code: 'migration-not-found' });
  });
});
