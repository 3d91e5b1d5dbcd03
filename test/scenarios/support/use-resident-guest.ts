import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Agents } from '../../agents/agents.js';
import { Guest, type GuestOptions } from '../../guests/guest.js';
import { bootGuest, filledPages } from './boot-guest.js';
import { expectWhole } from './expect-whole.js';

const fillMiB = 16;

/** One guest on the source for all tests of a file: whatever happens in a test, it runs on and is whole. */
export function useResidentGuest(agents: () => Agents): () => Guest {
  let guest: Guest | undefined;
  const started = (): Guest => {
    if (guest === undefined) throw new Error('the guest is started before the first test');
    return guest;
  };

  beforeAll(async () => {
    const { directory, host } = agents().source;
    const { networkNamespace } = host;
    const startGuest = (options: Omit<GuestOptions, 'directory'>): Promise<Guest> =>
      Guest.start({ ...options, directory, networkNamespace });
    guest = await bootGuest({ startGuest }, { memoryMiB: 256, fillMiB, megabytesPerSecond: 20 });
  });
  afterEach(async () => {
    await expectWhole(started(), filledPages(fillMiB));
  });
  afterAll(async () => {
    await guest?.kill();
  });
  return started;
}
