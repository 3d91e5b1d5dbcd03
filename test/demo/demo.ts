import type { Agents } from '../agents/agents.js';
import { requestMove, startIncoming } from '../agents/move-guest.js';
import type { Guest } from '../guests/guest.js';
import { longestGap, monotonicMs } from '../guests/heartbeat.js';
import type { Display } from './display.js';
import { duration } from './format.js';
import { fillMemory } from './memory.js';
import type { DemoOptions } from './options.js';
import type { Findings } from './report.js';

const migrationDeadlineMs = 15 * 60_000;
const pollMs = 50;

/** Boots a guest that writes its memory, moves it while it does, and has it check all of its memory there. */
export async function runDemo(agents: Agents, options: DemoOptions, display: Display): Promise<Findings> {
  const { guest, filledPages } = await bootGuest(agents, options, display);
  const incoming = await startIncoming(guest, agents.destination);

  const from = monotonicMs();
  const { id } = await requestMove(guest, agents, { mode: options.mode });
  display.line(`Migration ${id} by ${options.mode}:`);
  const migration = await agents.sourceAgent.client.waitUntilOver(id, migrationDeadlineMs, {
    intervalMs: pollMs,
    onProgress: (progress) => {
      display.progress(progress);
    },
  });
  const to = monotonicMs();
  const hasMoved = migration.state === 'completed';
  const check = hasMoved ? await checkThere(incoming, display) : undefined;
  const heartbeats = [await guest.workload.heartbeats(), await incoming.workload.heartbeats()];
  const gapMs = longestGap(heartbeats, from, to).milliseconds;
  return { migration, filledPages, check, gapMs };
}

async function bootGuest({ source }: Agents, { memory, rate }: DemoOptions, display: Display) {
  display.line(`A Linux guest of ${memory} MiB boots on the source`);
  const guest = await source.startGuest({ name: 'demo', memoryMiB: memory });
  await guest.waitUntilReady();
  const begun = performance.now();
  const filledPages = await fillMemory(guest);
  const took = duration(performance.now() - begun);
  display.line(`It has filled ${filledPages} pages in ${took}, and now writes ${rate} MB/s`);
  await guest.workload.write({ megabytesPerSecond: rate });
  return { guest, filledPages };
}

async function checkThere(guest: Guest, display: Display) {
  display.line('The guest checks all of its memory on the destination');
  await guest.waitUntilReady();
  return guest.workload.check();
}
