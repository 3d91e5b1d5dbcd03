import type { Agents } from '../agents/agents.js';
import { moveGuest } from '../agents/move-guest.js';
import type { Mode } from '../agents/migration.js';
import { pageferryRequest } from './pageferry-request.js';

const memoryMiB = 256;
const fillMiB = 128;

/**
 * Has the daemons move a guest that is not measured, and ends it. Node compiles while it runs: the first guest that a daemon moves
 * costs twice the processor time of those that follow it.
 * @returns how many guests they have moved
 */
export async function warmUp(agents: Agents, mode: Mode): Promise<number> {
  const guest = await agents.source.startGuest({ name: 'warm-up', memoryMiB });
  await guest.waitUntilReady();
  await guest.workload.fill(fillMiB);
  const { source, destination } = await moveGuest(guest, agents, pageferryRequest(mode));
  await Promise.all([source.kill(), destination.kill()]);
  return 1;
}
