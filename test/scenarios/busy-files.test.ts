import { describe, expect, test } from 'vitest';
import type { Mode } from '../agents/migration.js';
import { moveGuest } from '../agents/move-guest.js';
import { eventually } from '../environment/deadline.js';
import { busyFiles, checkBusyFiles } from '../guests/busy-files.js';
import type { Guest } from '../guests/guest.js';
import { filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { useAgents } from './support/use-agents.js';
import { bootBusyGuest, useStorageHost, type BusyGuestOptions } from './support/use-storage-host.js';

const agents = useAgents();
const storage = useStorageHost(agents);

const fillMiB = 48;
const workMs = 60_000;
const someOperations = 100;
/** The guest boots, works, moves, and verifies all that it has. */
const movingMs = 120_000;

/** The guest goes on with its files for a while. */
async function goesOn(guest: Guest): Promise<void> {
  const { operations } = await busyFiles(guest);
  await eventually(
    async () => (await busyFiles(guest)).operations > operations + someOperations,
    workMs,
    'work with files',
    200,
  );
}

describe('a guest that changes files in every way', () => {
  test.each<[Mode, BusyGuestOptions]>([
    ['precopy', { memoryMiB: 256 }],
    ['hybrid', { memoryMiB: 256, bus: 'virtio-scsi', image: { partitions: 'gpt' } }],
    ['postcopy', { memoryMiB: 256, machine: 'q35', bus: 'sata', image: { fileSystem: 'xfs' } }],
    ['hybrid', { memoryMiB: 256, place: 'file', image: { format: 'qcow2' } }],
  ])(
    'has all of them, in its cache and on the disk, after %s: %o',
    async (mode, options) => {
      const source = await bootBusyGuest(agents(), storage(), { fillMiB, ...options });
      await goesOn(source);
      await agents().hosts.shape(1000);
      try {
        const before = await busyFiles(source);
        const { destination } = await moveGuest(source, agents(), { mode });
        await destination.waitUntilReady();
        // It finds its cache there, and not an empty one.
        const { residentPages } = await busyFiles(destination);
        expect(residentPages).toBeGreaterThan(before.residentPages / 2);
        await goesOn(destination);
        const { errors, bytes } = await checkBusyFiles(destination);
        expect(destination.workload.reportedErrors).toEqual([]);
        expect(errors).toBe(0);
        expect(bytes).toBeGreaterThan(0);
        await expectWhole(destination, filledPages(fillMiB));
      } finally {
        await agents().hosts.shape(undefined);
      }
    },
    movingMs,
  );
});
