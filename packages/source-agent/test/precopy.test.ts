import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PAGE_SIZE } from '@pageferry/transfer';
import { runPrecopy, type PrecopyOptions } from '../src/precopy.js';
import {
  SimulatedDirtyLog,
  precopyOptions,
  simulateMigration,
  type SimulatedMigration,
} from './support/simulated-migration.js';

let abort: AbortController;
beforeEach(() => {
  abort = new AbortController();
});
afterEach(() => {
  abort.abort();
});

const optionsFor = (
  migration: SimulatedMigration,
  write?: () => void,
  changes?: Partial<PrecopyOptions>,
): PrecopyOptions => precopyOptions(migration, abort.signal, write, changes);

/** All that the destination may still lack is named as pending. */
function expectNothingLost({ guest, destination, pending }: SimulatedMigration): void {
  for (const block of guest.layout.blocks) {
    for (let page = block.firstPage; page < block.firstPage + block.pageCount; page++) {
      if (pending.has(page)) continue;
      const address = guest.layout.address(block, page);
      const there = destination.memory[block.index]?.subarray(address, address + PAGE_SIZE);
      const here = guest.blocks[block.index]?.subarray(address, address + PAGE_SIZE);
      expect(here !== undefined && there?.equals(here), `page ${page}`).toBe(true);
    }
  }
}

const fillGuest = ({ guest }: SimulatedMigration): void => {
  for (let page = 0; page < 600; page++) guest.write(page, 0, new Uint8Array(PAGE_SIZE).fill(page + 1));
  guest.dirtied.clear();
};

test('of an idle guest sends each page once, and stops it with nothing left', async () => {
  const migration = simulateMigration(abort.signal);
  fillGuest(migration);
  expect(await runPrecopy(optionsFor(migration))).toEqual({ postcopy: false });
  expect(migration.pending.count).toBe(0);
  expect(migration.sender.sent.normal + migration.sender.sent.zero).toBe(640);
  expect(migration.progress.iterationTable.count).toBe(1);
  await migration.flow.drained();
  expectNothingLost(migration);
});

test('loses nothing of a guest that writes all the time, and names what is left', async () => {
  const migration = simulateMigration(abort.signal);
  fillGuest(migration);
  let looks = 0;
  const write = (): void => {
    looks++;
    for (let page = 0; page < 50; page++) migration.guest.write(page * 7, looks % 4000, Uint8Array.of(looks));
  };
  await runPrecopy(optionsFor(migration, write));
  await migration.flow.drained();
  expect(looks).toBeGreaterThan(1);
  expectNothingLost(migration);
});

test('tells what remains while the first pass goes on', async () => {
  const migration = simulateMigration(abort.signal);
  fillGuest(migration);
  const remaining = new Set<number>();
  const switchOverForced = (): boolean => {
    remaining.add(migration.progress.remainingPages);
    return false;
  };
  await runPrecopy(optionsFor(migration, undefined, { switchOverForced }));
  expect(remaining.size).toBeGreaterThan(600);
});

describe('over a slow link', () => {
  /** Pages of the first pass do not fit through it, and the guest rewrites a part of them at every look. */
  function slow(): { readonly migration: SimulatedMigration; readonly write: () => void } {
    const migration = simulateMigration(abort.signal);
    fillGuest(migration);
    migration.flow.limitTo(4_000_000);
    return {
      migration,
      write: () => {
        for (let page = 0; page < 300; page++)
          migration.guest.write(page, 8, Uint8Array.of(page, Date.now() & 0xff));
      },
    };
  }

  test('reads the first pass to its end without waiting for the link, and sends the rest from memory', async () => {
    const migration = simulateMigration(abort.signal, {
      shapes: [{ name: 'ram', length: 2000 * PAGE_SIZE, pageSize: PAGE_SIZE }],
    });
    for (let page = 0; page < 2000; page++) migration.guest.write(page, 0, Uint8Array.of(page & 0xff, 1));
    migration.guest.dirtied.clear();
    migration.flow.limitTo(4_000_000);
    await runPrecopy(optionsFor(migration, undefined, { downtimeLimitMs: 60_000 }));
    await migration.flow.drained();
    expect(migration.progress.iterationTable.rows[0]?.sentPages).toBeLessThan(2000);
    expectNothingLost(migration);
  });

  test('goes over to post-copy when the rest is hot, knows where, and has sent no page twice', async () => {
    const { migration, write } = slow();
    const options = optionsFor(migration, write, { whenStalled: 'postcopy', downtimeLimitMs: 1 });
    const plan = await runPrecopy(options);
    expect(plan.postcopy).toBe(true);
    expect(Array.from(plan.hottest?.order ?? []).every((stripe) => stripe * 32 < 320)).toBe(true);
    expect(plan.hottest?.order.length).toBeGreaterThan(0);
    expect(migration.sender.sent.normal + migration.sender.sent.zero).toBeLessThanOrEqual(640);
    await migration.flow.drained();
    expectNothingLost(migration);
  });

  test('goes on to send what is rewritten once post-copy is no longer to follow', async () => {
    const { migration, write } = slow();
    let looks = 0;
    const options = optionsFor(migration, write, { downtimeLimitMs: 1, timeLimitMs: 2000 });
    const turning: PrecopyOptions = {
      ...options,
      get whenStalled() {
        return looks < 3 ? 'postcopy' : 'stop';
      },
      dirtyLog: new SimulatedDirtyLog(migration.guest, () => {
        looks++;
        write();
      }),
    };
    expect(await runPrecopy(turning)).toMatchObject({ postcopy: false });
    const { normal, delta, zero } = migration.sender.sent;
    expect(normal + delta + zero).toBeGreaterThan(640);
    await migration.flow.drained();
    expectNothingLost(migration);
  });

  test('gives up with a clear error if the request says so', async () => {
    const { migration, write } = slow();
    const options = optionsFor(migration, write, { downtimeLimitMs: 1, timeLimitMs: 1000 });
    await expect(runPrecopy(options)).rejects.toMatchObject({ code: 'not-converging' });
  });

  test('stops the guest with all that is left if the request says so', async () => {
    const { migration, write } = slow();
    const options = optionsFor(migration, write, {
      downtimeLimitMs: 1,
      timeLimitMs: 1000,
      whenStalled: 'stop',
    });
    expect(await runPrecopy(options)).toMatchObject({ postcopy: false });
    expect(migration.pending.count).toBeGreaterThan(0);
    await migration.flow.drained();
    expectNothingLost(migration);
  });

  test('stops at once when the operator says so', async () => {
    const { migration, write } = slow();
    const options = optionsFor(migration, write, { downtimeLimitMs: 1, switchOverForced: () => true });
    expect(await runPrecopy(options)).toMatchObject({ postcopy: false });
    expect(migration.progress.iterationTable.count).toBe(1);
    expect(migration.pending.count).toBeGreaterThan(0);
  });

  test('ends with a cancel', async () => {
    const { migration, write } = slow();
    const running = runPrecopy(optionsFor(migration, write, { downtimeLimitMs: 1 }));
    abort.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });
});
