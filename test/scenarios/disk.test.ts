import { describe, expect, test } from 'vitest';
import { moveGuest, requestMove, startIncoming } from '../agents/move-guest.js';
import type { Mode } from '../agents/migration.js';
import { eventually, withDeadline } from '../environment/deadline.js';
import { run } from '../environment/run.js';
import { createDisk, type DiskOptions } from '../guests/disk.js';
import type { Guest } from '../guests/guest.js';
import { alike } from './support/alike.js';
import { bootGuest, filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { useAgents } from './support/use-agents.js';

const agents = useAgents();

type Format = DiskOptions['format'];

const fillMiB = 48;
const exitDeadlineMs = 20_000;
/** On a busy host, too, some files are written in that time. */
const writingDeadlineMs = 30_000;

/** Waits until the guest has written more files than so many. */
async function filesWritten(guest: Guest, before: number): Promise<void> {
  await eventually(
    async () => (await guest.workload.status()).files > before,
    writingDeadlineMs,
    'files that the guest writes',
    100,
  );
}

const guestOn = (format: Format) =>
  alike(
    () => agents().source,
    async () => {
      const path = `${agents().source.directory}/disk.${format}`;
      await createDisk(path, { format });
      const disk = { path, format };
      return bootGuest(agents().source, { memoryMiB: 256, fillMiB, megabytesPerSecond: 10, disk });
    },
  );
const guests = { raw: guestOn('raw'), qcow2: guestOn('qcow2') };

/** A guest that writes and verifies files on an image that both hosts see. */
async function bootWithDisk(format: Format): Promise<Guest> {
  const guest = await guests[format]();
  await guest.workload.disk('on');
  await filesWritten(guest, 0);
  return guest;
}

/** The guest goes on with its files, all are as they must be, and after its end the image is in order. */
async function expectDiskWhole(guest: Guest): Promise<void> {
  await guest.waitUntilReady();
  await filesWritten(guest, (await guest.workload.status()).files);
  await guest.workload.disk('off');
  const check = await guest.workload.checkDisk();
  expect(check.errors).toBe(0);
  expect(check.files).toBeGreaterThan(0);
  await expectWhole(guest, filledPages(fillMiB));

  await guest.workload.poweroff();
  expect(await withDeadline(guest.exited, exitDeadlineMs, 'the end of the guest')).toMatchObject({ code: 0 });
  const { path, format } = guest.options.disk ?? expect.fail('the guest has a disk');
  if (format === 'qcow2') await run('qemu-img', ['check', '-f', format, path]);
  const raw = `${path}.checked`;
  await run('qemu-img', ['convert', '-f', format, '-O', 'raw', path, raw]);
  // The guest did not unmount it: its journal is replayed first, and then nothing may be left to repair.
  await run('e2fsck', ['-p', '-E', 'journal_only', raw]).catch(() => undefined);
  await run('e2fsck', ['-f', '-n', raw]);
}

describe('a guest that writes files', () => {
  test.each<[Format, Mode]>([
    ['raw', 'precopy'],
    ['qcow2', 'precopy'],
    ['qcow2', 'postcopy'],
    ['raw', 'hybrid'],
  ])('on a shared %s image goes on with them after %s', async (format, mode) => {
    const source = await bootWithDisk(format);
    const { destination } = await moveGuest(source, agents(), { mode });
    expect(await source.exited).toEqual({ code: 0, signal: null });
    await expectDiskWhole(destination);
  });
});

describe('the locks of the images pass over with the guest', () => {
  test('and the QEMU that it left does not hold them', async () => {
    const source = await bootWithDisk('qcow2');
    const { destination } = await moveGuest(source, agents(), { mode: 'hybrid', sourceAfter: 'keep' });
    expect(await source.state()).toBe('postmigrate');
    // The image belongs to the destination alone.
    await expect(source.monitor.execute('cont')).rejects.toThrow(/lock/);
    expect(await source.state()).not.toBe('running');
    await expectDiskWhole(destination);
  });

  test.each<Format>(['raw', 'qcow2'])(
    'and back to the source when the hand-over of a %s image is given up',
    async (format) => {
      const source = await bootWithDisk(format);
      const destination = await startIncoming(source, agents().destination);
      const { client } = agents().sourceAgent;
      await agents().hosts.shape(200);
      try {
        const { id } = await requestMove(source, agents(), { mode: 'precopy' });
        await client.waitUntil(id, ['active'], 10_000);
        await client.switchover(id);
        await client.waitUntil(id, ['device'], 10_000, { intervalMs: 2 });
        await destination.kill();
        expect((await client.waitUntilOver(id, 30_000)).state).toBe('failed');
      } finally {
        await agents().hosts.shape(undefined);
      }
      await expectDiskWhole(source);
    },
  );
});
