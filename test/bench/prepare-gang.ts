import type { Agents } from '../agents/agents.js';
import type { Pair } from './outcome.js';

/** Pairs of looks at the guests' work, without a preparation and with one. */
const looks = 3;
/** Of one processor; how long the last one takes, that the gang uses, is of no interest. */
const wholeProcessor = 100;
const timeoutMs = 600_000;

export interface PreparedGang {
  /** The part of their work that the guests do not do while they are prepared; null if they do none. */
  readonly preparedSlowDown: number | null;
}

/**
 * Has the source agent find out what the guests have in common; resolves when it has looked at all of their memory.
 * @param rateOf the guests' work a second, over some time from now on
 */
export async function prepareGang(
  { sourceAgent: { client } }: Agents,
  pairs: readonly Pair[],
  rateOf: () => Promise<number>,
): Promise<PreparedGang> {
  const guests = pairs.map(({ source }) => source.name);
  let [undisturbed, prepared] = [0, 0];
  for (let look = 0; look < looks; look++) {
    undisturbed += await rateOf();
    if (undisturbed === 0) break;
    const { id } = await client.prepare({ guests });
    prepared += await rateOf();
    await client.endPreparation(id);
  }
  const { id } = await client.prepare({ guests, processorShare: wholeProcessor });
  const { state } = await client.preparationWhen(id, (one) => one.state !== 'indexing', timeoutMs);
  if (state !== 'ready') throw new Error(`the preparation of the guests is ${state}`);
  return { preparedSlowDown: undisturbed === 0 ? null : 1 - prepared / undisturbed };
}
