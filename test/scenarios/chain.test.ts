import { beforeAll, describe, expect, test } from 'vitest';
import { moveGuest, type Route } from '../agents/move-guest.js';
import type { Mode } from '../agents/migration.js';
import { withDeadline } from '../environment/deadline.js';
import type { Guest } from '../guests/guest.js';
import type { GuestHardware } from '../guests/qemu-arguments.js';
import { bootGuest, filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { useAgents } from './support/use-agents.js';

const agents = useAgents();

const fillMiB = 48;
const hardware = { memoryMiB: 256 } as const satisfies GuestHardware;
const exitDeadlineMs = 10_000;

let there: Route;
let back: Route;

beforeAll(async () => {
  const { source, destination } = agents();
  there = agents();
  back = {
    sourceAgent: await destination.startSourceAgent(),
    destination: source,
    destinationAgent: await source.startDestinationAgent(),
  };
});

/** Moves the guest once after the other, and looks at all of it each time. */
async function travel(guest: Guest, modes: readonly Mode[]): Promise<Guest> {
  let here = guest;
  for (const [index, mode] of modes.entries()) {
    const route = index % 2 === 0 ? there : back;
    const { destination, migration } = await moveGuest(here, route, { mode });
    expect(migration, `migration ${index + 1}, ${mode}`).toMatchObject({ mode, error: null });
    expect(await withDeadline(here.exited, exitDeadlineMs, 'the end of the left QEMU')).toEqual({
      code: 0,
      signal: null,
    });
    expect(here.workload.reportedErrors).toEqual([]);
    await expectWhole(destination, filledPages(fillMiB));
    here = destination;
  }
  return here;
}

describe('a guest that writes', () => {
  test.each<[Mode, Mode]>([
    ['precopy', 'postcopy'],
    ['postcopy', 'precopy'],
  ])('goes there by %s and back again by %s, and is whole', async (thither, hither) => {
    const guest = await bootGuest(agents().source, {
      ...hardware,
      vcpus: 2,
      fillMiB,
      megabytesPerSecond: 20,
    });
    await travel(guest, [thither, hither]);
  });

  test('moves ten times in a row, in all modes, and is whole each time', async () => {
    const guest = await bootGuest(agents().source, { ...hardware, fillMiB, megabytesPerSecond: 20 });
    const { uptime } = await guest.workload.status();
    const pairs = ['precopy', 'postcopy', 'hybrid', 'postcopy', 'precopy'] as const;
    const last = await travel(guest, [...pairs, ...pairs]);
    // Its clock has gone on: it is the same guest, and has not booted again.
    expect((await last.workload.status()).uptime).toBeGreaterThan(uptime);
  });
});
