import { describe, expect, test } from 'vitest';
import { moveGuest, type MovedGuest } from '../agents/move-guest.js';
import type { Mode, State } from '../agents/migration.js';
import { longestGap, monotonicMs } from '../guests/heartbeat.js';
import type { GuestHardware, MachineType } from '../guests/qemu-arguments.js';
import { bootGuest, filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { useAgents } from './support/use-agents.js';

const agents = useAgents();

const precopyStates: readonly State[] = ['setup', 'active', 'pre-switchover', 'device', 'completed'];
const postcopyStates: readonly State[] = [...precopyStates.slice(0, -1), 'postcopy-active', 'completed'];

const titleOf = ({ memoryMiB, machine, vcpus, megabytesPerSecond }: Omit<Case, 'mode'>): string =>
  `keeps a guest of ${memoryMiB} MiB on ${machine} with ${vcpus} vCPUs, writing ${megabytesPerSecond} MB/s, whole`;
const statesOf = ({ migration }: MovedGuest): State[] => migration.history.map(({ state }) => state);

interface Case extends GuestHardware {
  readonly machine: MachineType;
  readonly vcpus: number;
  readonly mode: Mode;
  readonly fillMiB: number;
  readonly megabytesPerSecond: number;
}

async function move({ mode, ...guestOptions }: Case) {
  const guest = await bootGuest(agents().source, guestOptions);
  const from = monotonicMs();
  const moved = await moveGuest(guest, agents(), { mode });
  const to = monotonicMs();
  const { migration, destination } = moved;
  expect(migration).toMatchObject({
    state: 'completed',
    mode,
    guest: 'guest',
    error: null,
    remainingPages: 0,
  });
  expect(await guest.exited).toEqual({ code: 0, signal: null });
  await expectWhole(destination, filledPages(guestOptions.fillMiB));

  const heartbeats = [await guest.workload.heartbeats(), await destination.workload.heartbeats()];
  // It ran while it moved, and was stopped for a part of the time only.
  expect(longestGap(heartbeats, from, to).milliseconds).toBeLessThan(to - from);
  expect(migration.downtimeMs).toBeLessThan(migration.totalMs);
  return moved;
}

const small = { memoryMiB: 512, fillMiB: 96 } as const;
const idle = { megabytesPerSecond: 0 } as const;
const writing = { megabytesPerSecond: 60 } as const;

describe('pre-copy', () => {
  const cases: readonly Omit<Case, 'mode'>[] = [
    { ...small, ...idle, machine: 'pc', vcpus: 1 },
    { ...small, ...writing, machine: 'q35', vcpus: 2 },
    { memoryMiB: 4096, fillMiB: 400, ...idle, machine: 'pc', vcpus: 2 },
  ];
  for (const guestOptions of cases) {
    test(titleOf(guestOptions), async () => {
      const moved = await move({ mode: 'precopy', ...guestOptions });
      expect(statesOf(moved)).toEqual(precopyStates);
      expect(moved.migration.pages).toMatchObject({ requested: 0, pushed: 0 });
    });
  }
});

describe('post-copy', () => {
  const cases: readonly Omit<Case, 'mode'>[] = [
    { ...small, ...idle, machine: 'q35', vcpus: 1 },
    { ...small, ...writing, machine: 'pc', vcpus: 2 },
    { memoryMiB: 4096, fillMiB: 400, ...writing, machine: 'q35', vcpus: 1 },
  ];
  for (const guestOptions of cases) {
    test(titleOf(guestOptions), async () => {
      const moved = await move({ mode: 'postcopy', ...guestOptions });
      expect(statesOf(moved)).toEqual(postcopyStates);
      const { pages, memory, iterations } = moved.migration;
      expect(pages.requested).toBeGreaterThan(0);
      // Each page goes once.
      expect(pages.normal + pages.zero).toBe(memory?.pages);
      expect(iterations).toBe(0);
    });
  }
});

describe('hybrid', () => {
  test('brings nearly all of a guest that is idle before the stop', async () => {
    const { migration } = await move({ mode: 'hybrid', ...small, ...idle, machine: 'pc', vcpus: 2 });
    const { requested, pushed } = migration.pages;
    // On a busy machine the few pages that such a guest rewrites may be better left to post-copy.
    expect(requested + pushed).toBeLessThan((migration.memory?.pages ?? 0) / 20);
  });

  test('turns to post-copy when the guest writes faster than the link carries', async () => {
    await agents().hosts.shape(300);
    try {
      const moved = await move({ mode: 'hybrid', ...small, ...writing, machine: 'q35', vcpus: 1 });
      expect(statesOf(moved)).toEqual(postcopyStates);
      expect(moved.migration.iterations).toBeGreaterThan(0);
      expect(moved.migration.pages.requested).toBeGreaterThan(0);
    } finally {
      await agents().hosts.shape(undefined);
    }
  });

  test('is the default', async () => {
    const guest = await bootGuest(agents().source, { ...small, ...idle });
    const { migration } = await moveGuest(guest, agents());
    expect(migration.mode).toBe('hybrid');
  });
});

test("the migration's id is in every line that either host logs about it", async () => {
  const guest = await bootGuest(agents().source, { ...small, ...idle });
  const { migration } = await moveGuest(guest, agents(), { mode: 'precopy' });
  for (const agent of [agents().sourceAgent, agents().destinationAgent]) {
    const lines = await agent.logLines();
    const own = lines.filter((line) => line['migration'] === migration.id);
    expect(own.map(({ msg }) => msg)).toContain('state');
    const others = lines.filter((line) => line['migration'] === undefined);
    expect(JSON.stringify(others)).not.toContain(migration.id);
  }
});
