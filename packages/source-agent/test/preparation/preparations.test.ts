import { PageferryError } from '@pageferry/errors';
import { LONE } from '@pageferry/transfer';
import { Value } from '@sinclair/typebox/value';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Preparation } from '../../src/preparation/preparation.js';
import { PreparationRequest } from '../../src/preparation/preparation-request.js';
import { Preparations } from '../../src/preparation/preparations.js';
import { fakeIndexings, firstRound, guestToIndex, type FakeIndexing } from '../support/indexed-guests.js';
import { silent } from '../support/simulated-migration.js';

let begun: readonly FakeIndexing[];
let preparations: Preparations;

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const indexings = fakeIndexings();
  begun = indexings.begun;
  const migrations = {
    findToIndex: async (name: string) => {
      await Promise.resolve();
      if (name === 'gone') throw new PageferryError('guest-not-found', 'it is gone');
      return guestToIndex(name);
    },
    allToMove: async () => Promise.resolve(['web1', 'web2', 'db1']),
  };
  const { signal } = new AbortController();
  preparations = new Preparations(migrations, silent, signal, indexings.start);
});

async function prepare(
  guests: PreparationRequest['guests'],
  more: Partial<PreparationRequest> = {},
): Promise<Preparation> {
  return preparations.start(Value.Parse(PreparationRequest, { guests, ...more }));
}

/** One whose guests have all been looked at. */
async function ready(guests: PreparationRequest['guests']): Promise<Preparation> {
  const preparation = await prepare(guests);
  begun.at(-1)?.say(firstRound);
  return preparation;
}

const wanted = (name: string) => {
  const { identity, layout } = guestToIndex(name);
  return { name, identity, layout };
};

describe('what is begun', () => {
  test('is told where the guests are, and how much it may take', async () => {
    const { view } = await prepare(['web1', 'web2'], { processorShare: 5 });
    expect(begun[0]?.order).toMatchObject({ share: 0.05, guests: [{ firstPage: 0 }, { pid: 1 }] });
    const [, second] = begun[0]?.order.guests ?? [];
    expect(second?.firstPage).toBe(guestToIndex('web1').layout.capacity);
    expect(view).toMatchObject({
      state: 'indexing',
      guests: [
        { guest: 'web1', bytes: 4 * 1024 * 1024, lost: null },
        { guest: 'web2', lost: null },
      ],
      rounds: 0,
      gang: null,
      error: null,
    });
    expect(view.indexBytes).toBe((begun[0]?.order.known.length ?? 0) * 21);
  });

  test('is all guests of the host that can be migrated', async () => {
    expect((await prepare('all')).view.guests.map(({ guest }) => guest)).toEqual(['web1', 'web2', 'db1']);
  });

  test('is nothing if a guest is not here', async () => {
    await expect(prepare(['web1', 'gone'])).rejects.toMatchObject({ code: 'guest-not-found' });
    expect(begun).toHaveLength(0);
    expect(preparations.views).toEqual([]);
  });

  test('is nothing if its index would take too much memory', async () => {
    await expect(prepare(['web1'], { memoryBytes: 20_000 })).rejects.toMatchObject({
      code: 'request-invalid',
      message:
        'the index of these guests takes 1 MiB, and memoryBytes allows 0 MiB: allow more, or prepare fewer guests at once',
    });
    expect(begun).toHaveLength(0);
  });

  test('is at most four at once', async () => {
    for (let count = 0; count < 4; count++) await prepare(['web1']);
    await expect(prepare(['web1'])).rejects.toMatchObject({ code: 'too-many-preparations' });
    await preparations.delete(preparations.views[0]?.id ?? '');
    await prepare(['web1']);
    expect(preparations.underwayCount).toBe(4);
  });
});

describe('a gang', () => {
  test('uses the newest preparation that knows all of its guests, alone', async () => {
    await ready(['web1', 'web2', 'db1']);
    const newest = await ready(['web1', 'web2']);
    await ready(['web1']);
    await prepare(['web1', 'web2']);
    expect(preparations.use('gang', ['web2', 'web1'])?.id).toBe(newest.id);
    expect(newest.view).toMatchObject({ state: 'used', gang: 'gang' });
    await newest.end();
    expect(begun[1]?.isStopped).toBe(true);
    expect(preparations.use('another', ['web1', 'web2'])?.id).toBe(preparations.views[0]?.id);
    expect(preparations.use('a third', ['web1', 'web2'])).toBeUndefined();
  });

  test('is told which pages of a guest are lone', async () => {
    await ready(['web1', 'web2']);
    const known = begun[0]?.order.known ?? new Uint8Array();
    const second = begun[0]?.order.guests[1]?.firstPage ?? 0;
    known[3] = LONE;
    known[second + 4] = LONE;
    const used = preparations.use('gang', ['web1', 'web2']);
    const hints = ['web1', 'web2'].map((name) => used?.findHint(wanted(name)));
    expect([3, 4].map((page) => hints[0]?.isLone(page))).toEqual([true, false]);
    expect([3, 4].map((page) => hints[1]?.isLone(page))).toEqual([false, true]);
    expect(hints[0]?.isLone(1e9)).toBe(false);
  });

  test('is told nothing of a guest that was started again, or has other memory, or was lost', async () => {
    await ready(['web1', 'web2', 'db1']);
    begun[0]?.say({ kind: 'lost', guest: 1, reason: 'QEMU is gone' });
    expect(preparations.use('gang', ['web1', 'web2'])).toBeUndefined();
    const used = preparations.use('gang', ['web1', 'db1']);
    expect(used?.findHint(wanted('web1'))).toBeDefined();
    expect(used?.findHint({ ...wanted('web1'), identity: 'another' })).toBeUndefined();
    expect(used?.findHint({ ...wanted('web1'), layout: guestToIndex('web1', 2048).layout })).toBeUndefined();
    expect(used?.findHint(wanted('web2'))).toBeUndefined();
    expect(used?.findHint(wanted('unknown'))).toBeUndefined();
  });
});

describe('the end', () => {
  test('comes when the time is over, if no gang has used it', async () => {
    const preparation = await ready(['web1']);
    vi.advanceTimersByTime(3_600_000);
    expect(preparation.view.state).toBe('expired');
    expect(begun[0]?.isStopped).toBe(false);
    await preparations.settled();
    expect(begun[0]?.isStopped).toBe(true);
  });

  test('comes with the last guest, or with an error that nobody foresaw', async () => {
    const [one, other] = [await ready(['web1']), await prepare(['web1'])];
    begun[0]?.say({ kind: 'over' });
    expect(one.view).toMatchObject({
      state: 'failed',
      error: { detail: 'none of these guests can be read any more' },
    });
    begun[1]?.fail(new Error('out of memory'));
    expect(other.view).toMatchObject({ state: 'failed', error: { detail: 'out of memory' } });
    expect(preparations.underwayCount).toBe(0);
  });

  test('comes by request, and then it is forgotten', async () => {
    const ended: string[] = [];
    preparations.onEnd(({ state }) => ended.push(state));
    const { id } = await ready(['web1']);
    await preparations.delete(id);
    expect(ended).toEqual(['ended']);
    expect(begun[0]?.isStopped).toBe(true);
    expect(() => preparations.find(id)).toThrow(expect.objectContaining({ code: 'preparation-not-found' }));
    // What it has taken counts on.
    expect(preparations.processorMs).toBe(70);
  });
});
