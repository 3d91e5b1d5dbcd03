import { expect, test } from 'vitest';
import type { Gang, GangRequest } from '../agents/gang.js';
import { startIncoming } from '../agents/move-guest.js';
import { modes } from '../agents/migration.js';
import type { Guest } from '../guests/guest.js';
import { bootGuest, filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { useAgents } from './support/use-agents.js';

const agents = useAgents();
const fillMiB = 48;

interface Pair {
  readonly source: Guest;
  readonly destination: Guest;
}

/** Guests of one image on the source, each with a QEMU on the destination that waits for it. */
async function bootGang(size: number, megabytesPerSecond = 0): Promise<Pair[]> {
  return Promise.all(
    Array.from({ length: size }, async (_nothing, index) => {
      const name = `guest${index + 1}`;
      const load = { name, memoryMiB: 256, fillMiB, megabytesPerSecond };
      const source = await bootGuest(agents().source, load);
      return { source, destination: await startIncoming(source, agents().destination) };
    }),
  );
}

async function moveGang(pairs: readonly Pair[], request: Partial<GangRequest> = {}): Promise<Gang> {
  const { client } = agents().sourceAgent;
  const { id } = await client.moveGang({
    guests: pairs.map(({ source }) => source.name),
    destination: { url: agents().destinationAgent.url },
    ...request,
  });
  return client.gangWhenOver(id, 120_000);
}

for (const mode of modes) {
  test(`in ${mode} mode guests of one image leave together, whole, and what they have in common goes once`, async () => {
    const pairs = await bootGang(3);
    const gang = await moveGang(pairs, { mode });
    expect(gang).toMatchObject({ state: 'completed', mode });
    for (const { destination } of pairs) await expectWhole(destination, filledPages(fillMiB));
    // All that is not zero of what each of the others has filled.
    expect(gang.sent.pages.reference).toBeGreaterThan(2 * filledPages((fillMiB * 2) / 3));
  });
}
