import type { Agents } from '../agents/agents.js';
import { startIncoming } from '../agents/move-guest.js';
import { mapSome } from '../environment/map-some.js';
import { moverOf, type Method } from './method.js';
import { move } from './move.js';

const memoryMiB = 256;
const fillMiB = 128;
const guestsOfGang = 2;

/**
 * Has the daemons move a guest, or a gang before a gang, that is not measured, and ends it. Node compiles while it runs: the first
 * guest that a daemon moves costs twice the processor time of those that follow it, and what only gangs need is compiled for them.
 * @returns how many guests they have moved
 */
export async function warmUp(agents: Agents, method: Method): Promise<number> {
  const names = Array.from(
    { length: moverOf(method).gang === undefined ? 1 : guestsOfGang },
    (_nothing, index) => `warm-up${index + 1}`,
  );
  const pairs = await mapSome(names, names.length, async (name) => {
    const source = await agents.source.startGuest({ name, memoryMiB });
    await source.waitUntilReady();
    await source.workload.fill(fillMiB);
    return { source, destination: await startIncoming(source, agents.destination) };
  });
  const { figures } = await move(agents, pairs, method);
  if (!figures.completed) throw new Error(`nothing was moved before what is measured: ${figures.error}`);
  await Promise.all(pairs.flatMap(({ source, destination }) => [source.kill(), destination.kill()]));
  return names.length;
}
