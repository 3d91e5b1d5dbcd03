import { setTimeout as sleep } from 'node:timers/promises';
import type { Agents } from '../agents/agents.js';
import type { Guest } from '../guests/guest.js';

/** A guest that moves. */
export interface Moving {
  readonly source: Guest;
  readonly destination: Guest;
  /** Undefined while it has not begun. */
  readonly migration: string | undefined;
}

export interface Fault {
  readonly name: string;
  /** Whether a guest may be lost by it, once it has been handed over. */
  readonly isFatal?: true;
  /** Resolves when everything is there again that can be. */
  readonly strike: (agents: Agents, moving: Moving, milliseconds: number) => Promise<void>;
}

type Named = 'sourceAgent' | 'destinationAgent';

/** How long a daemon that was killed is away at most: tests wait for its answers, ms. */
const longestAbsenceMs = 5000;
const slowMegabits = 20;

/** Has the kernel hold a process for a while, if it is still there. */
async function hold(pid: () => number, milliseconds: number): Promise<void> {
  try {
    process.kill(pid(), 'SIGSTOP');
    await sleep(milliseconds);
    process.kill(pid(), 'SIGCONT');
  } catch {
    // It has ended.
  }
}

const heldAgent = (name: Named): Fault => ({
  name: `hold ${name}`,
  strike: async (agents, _moving, milliseconds) => hold(() => agents[name].pid, milliseconds),
});

const killedAgent = (name: Named): Fault => ({
  name: `kill ${name}`,
  strike: async (agents, _moving, milliseconds) => {
    await agents[name].kill();
    await sleep(Math.min(milliseconds, longestAbsenceMs));
    await agents[name].restart();
  },
});

/** What can happen to a guest that moves, and to those that move it. */
export const faults: readonly Fault[] = [
  { name: 'nothing', strike: async () => Promise.resolve() },
  heldAgent('sourceAgent'),
  heldAgent('destinationAgent'),
  killedAgent('sourceAgent'),
  killedAgent('destinationAgent'),
  {
    name: 'hold the source QEMU',
    strike: async (_agents, { source }, milliseconds) => hold(() => source.pid, milliseconds),
  },
  {
    name: 'hold the destination QEMU',
    strike: async (_agents, { destination }, milliseconds) => hold(() => destination.pid, milliseconds),
  },
  {
    name: 'kill the destination QEMU',
    isFatal: true,
    strike: async (_agents, { destination }) => destination.kill(),
  },
  {
    name: 'cut the link',
    strike: async ({ hosts }, _moving, milliseconds) => {
      await hosts.connect(false);
      await sleep(milliseconds);
      await hosts.connect(true);
    },
  },
  {
    name: 'slow the link',
    strike: async ({ hosts }, _moving, milliseconds) => {
      await hosts.shape(slowMegabits);
      await sleep(milliseconds);
    },
  },
  {
    name: 'cancel',
    strike: async ({ sourceAgent }, { migration }) => {
      // It may be too late for that.
      if (migration !== undefined) await sourceAgent.client.cancel(migration).catch(() => undefined);
    },
  },
];
