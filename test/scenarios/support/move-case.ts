import { expect } from 'vitest';
import type { Agents } from '../../agents/agents.js';
import { moveGuest, type MovedGuest } from '../../agents/move-guest.js';
import type { Mode, State } from '../../agents/migration.js';
import { longestGap, monotonicMs } from '../../guests/heartbeat.js';
import type { GuestHardware, MachineType } from '../../guests/qemu-arguments.js';
import { bootGuest, filledPages } from './boot-guest.js';
import { expectWhole } from './expect-whole.js';

export const precopyStates: readonly State[] = ['setup', 'active', 'pre-switchover', 'device', 'completed'];
export const postcopyStates: readonly State[] = [
  ...precopyStates.slice(0, -1),
  'postcopy-active',
  'completed',
];

/** A guest, and how it moves. */
export interface Case extends GuestHardware {
  readonly machine: MachineType;
  readonly vcpus: number;
  readonly mode: Mode;
  readonly fillMiB: number;
  readonly megabytesPerSecond: number;
}

export const small = { memoryMiB: 512, fillMiB: 96 } as const;
export const idle = { megabytesPerSecond: 0 } as const;
export const writing = { megabytesPerSecond: 60 } as const;

export const titleOf = ({ memoryMiB, machine, vcpus, megabytesPerSecond }: Omit<Case, 'mode'>): string =>
  `keeps a guest of ${memoryMiB} MiB on ${machine} with ${vcpus} vCPUs, writing ${megabytesPerSecond} MB/s, whole`;

export const statesOf = ({ migration }: MovedGuest): State[] => migration.history.map(({ state }) => state);

/** Boots such a guest and moves it, which must succeed, and keep it whole. */
export async function move(agents: Agents, { mode, ...guestOptions }: Case): Promise<MovedGuest> {
  const guest = await bootGuest(agents.source, guestOptions);
  const from = monotonicMs();
  const moved = await moveGuest(guest, agents, { mode });
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
