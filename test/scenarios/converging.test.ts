import { describe, expect, test } from 'vitest';
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

// Whether a migration converges.

const agents = useAgents();

describe('pre-copy', () => {
  const guestOptions: Omit<Case, 'mode'> = { ...small, ...writing, machine: 'q35', vcpus: 2 };
  test(titleOf(guestOptions), async () => {
    const moved = await move(agents(), { mode: 'precopy', ...guestOptions });
    expect(statesOf(moved)).toEqual(precopyStates);
    expect(moved.migration.pages).toMatchObject({ requested: 0, pushed: 0 });
  });
});

describe('hybrid', () => {
  test('brings nearly all of a guest that is idle before the stop', async () => {
    const { migration } = await move(agents(), {
      mode: 'hybrid',
      ...small,
      ...idle,
      machine: 'pc',
      vcpus: 2,
    });
    const { requested, pushed } = migration.pages;
    // On a busy machine the few pages that such a guest rewrites may be better left to post-copy.
    expect(requested + pushed).toBeLessThan((migration.memory?.pages ?? 0) / 20);
  });

  test('turns to post-copy when the guest writes faster than the link carries', async () => {
    await agents().hosts.shape(300);
    try {
      const moved = await move(agents(), { mode: 'hybrid', ...small, ...writing, machine: 'q35', vcpus: 1 });
      expect(statesOf(moved)).toEqual(postcopyStates);
      expect(moved.migration.iterations).toBeGreaterThan(0);
      expect(moved.migration.pages.requested).toBeGreaterThan(0);
    } finally {
      await agents().hosts.shape(undefined);
    }
  });
});
