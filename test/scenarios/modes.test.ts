import { describe, expect, test } from 'vitest';
import { moveGuest } from '../agents/move-guest.js';
import { alike } from './support/alike.js';
import { bootGuest } from './support/boot-guest.js';
import {
  idle,
  move,
  postcopyStates,
  precopyStates,
  small,
  statesOf,
  titleOf,
  writing,
  type Case,
} from './support/move-case.js';
import { useAgents } from './support/use-agents.js';

// What does not depend on how fast the guest writes. What does is proved by itself: see converging.test.ts.

const agents = useAgents();

/** The largest guests boot, move and verify all that they have, while other tests run. */
const movingMs = 120_000;

const bootIdle = alike(
  () => agents().source,
  () => bootGuest(agents().source, { ...small, ...idle }),
);

describe('pre-copy', () => {
  const cases: readonly Omit<Case, 'mode'>[] = [
    { ...small, ...idle, machine: 'pc', vcpus: 1 },
    { memoryMiB: 4096, fillMiB: 400, ...idle, machine: 'pc', vcpus: 2 },
  ];
  for (const guestOptions of cases) {
    const moves = async (): Promise<void> => {
      const moved = await move(agents(), { mode: 'precopy', ...guestOptions });
      expect(statesOf(moved)).toEqual(precopyStates);
      expect(moved.migration.pages).toMatchObject({ requested: 0, pushed: 0 });
    };
    test(titleOf(guestOptions), moves, movingMs);
  }
});

describe('post-copy', () => {
  const cases: readonly Omit<Case, 'mode'>[] = [
    { ...small, ...idle, machine: 'q35', vcpus: 1 },
    { ...small, ...writing, machine: 'pc', vcpus: 2 },
    { memoryMiB: 4096, fillMiB: 400, ...writing, machine: 'q35', vcpus: 1 },
  ];
  for (const guestOptions of cases) {
    const moves = async (): Promise<void> => {
      const moved = await move(agents(), { mode: 'postcopy', ...guestOptions });
      expect(statesOf(moved)).toEqual(postcopyStates);
      const { pages, memory, iterations } = moved.migration;
      expect(pages.requested).toBeGreaterThan(0);
      // Each page goes once.
      expect(pages.normal + pages.zero).toBe(memory?.pages);
      expect(iterations).toBe(0);
    };
    test(titleOf(guestOptions), moves, movingMs);
  }
});

test('hybrid is the default', async () => {
  const guest = await bootIdle();
  const { migration } = await moveGuest(guest, agents());
  expect(migration.mode).toBe('hybrid');
});

test("the migration's id is in every line that either host logs about it", async () => {
  const guest = await bootIdle();
  const { migration } = await moveGuest(guest, agents(), { mode: 'precopy' });
  for (const agent of [agents().sourceAgent, agents().destinationAgent]) {
    const lines = await agent.logLines();
    const own = lines.filter((line) => line['migration'] === migration.id);
    expect(own.map(({ msg }) => msg)).toContain('state');
    const others = lines.filter((line) => line['migration'] === undefined);
    expect(JSON.stringify(others)).not.toContain(migration.id);
  }
});
