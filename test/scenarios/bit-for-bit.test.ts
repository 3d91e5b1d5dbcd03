import { describe, expect, test } from 'vitest';
import { moveGuest, requestMove, startIncoming } from '../agents/move-guest.js';
import type { Mode } from '../agents/migration.js';
import { changeRoms } from '../guests/corruption.js';
import type { Guest } from '../guests/guest.js';
import { differingPages } from '../guests/memory-comparison.js';
import type { GuestHardware } from '../guests/qemu-arguments.js';
import { alike } from './support/alike.js';
import { bootGuest, filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { useAgents } from './support/use-agents.js';

const agents = useAgents();

const fillMiB = 64;

const boot = (hardware: GuestHardware): Promise<Guest> =>
  bootGuest(agents().source, { ...hardware, fillMiB, megabytesPerSecond: 20 });

interface Case {
  readonly title: string;
  readonly mode: Mode;
  readonly start: () => Promise<Guest>;
  /** Memory blocks that this hardware has besides the RAM. */
  readonly roms: readonly RegExp[];
}

const pc = { memoryMiB: 256, machine: 'pc', vga: true } as const;
const q35 = { memoryMiB: 256, machine: 'q35', vcpus: 2, ovmf: true } as const;
const onPc = alike(
  () => agents().source,
  () => boot(pc),
);
const onQ35 = (): Promise<Guest> => boot({ ...q35, vga: true });
const withSharedMemory = (): Promise<Guest> => boot({ ...pc, memoryBackend: 'memfd' });
const vgaRoms = [/vga\.vram$/, /vga\.rom$/, /^pc\.bios$/, /^pc\.rom$/];
const flashRoms = [/flash0$/, /flash1$/];

const cases: readonly Case[] = [
  { start: onPc, mode: 'precopy', title: 'pc with a screen', roms: vgaRoms },
  { start: onPc, mode: 'postcopy', title: 'pc with a screen', roms: vgaRoms },
  { start: onQ35, mode: 'postcopy', title: 'q35 with UEFI in flash and a screen', roms: flashRoms },
  { start: withSharedMemory, mode: 'hybrid', title: 'pc with shared memory', roms: vgaRoms },
];

describe('a guest that was stopped arrives bit for bit, ROMs included, and is not run', () => {
  for (const { title, mode, roms, start } of cases) {
    test(`by ${mode}, on ${title}`, async () => {
      const guest = await start();
      await guest.monitor.execute('stop');
      // Equal ones would be there without having been sent.
      const changed = await changeRoms(guest);
      for (const rom of roms) expect(changed).toContainEqual(expect.stringMatching(rom));

      const { destination } = await moveGuest(guest, agents(), {
        mode,
        sourceAfter: 'keep',
        pageFilter: { free: false },
      });
      expect(await destination.state()).toBe('paused');
      expect(await guest.state()).not.toBe('running');
      expect(await differingPages(guest, destination)).toEqual([]);

      await destination.monitor.execute('cont');
      await destination.waitUntilReady();
      await expectWhole(destination, filledPages(fillMiB));
    });
  }
});

test.each<Mode>(['precopy', 'postcopy'])('a guest that runs takes its ROMs along by %s', async (mode) => {
  const guest = await onPc();
  await changeRoms(guest);
  const { destination } = await moveGuest(guest, agents(), { mode, sourceAfter: 'keep' });
  await expectWhole(destination, filledPages(fillMiB));
  await destination.monitor.execute('stop');
  const differing = new Set((await differingPages(guest, destination)).map(({ block }) => block));
  // The guest has gone on with its work.
  expect(differing).toContain('pc.ram');
  for (const rom of differing) expect(rom).not.toMatch(/rom|bios/);
});

test('a guest that was stopped stays so when its migration is cancelled, and loses nothing', async () => {
  const guest = await onPc();
  await guest.monitor.execute('stop');
  const destination = await startIncoming(guest, agents().destination);
  const { client } = agents().sourceAgent;
  await agents().hosts.shape(100);
  try {
    const { id } = await requestMove(guest, agents(), { mode: 'precopy' });
    await client.waitUntil(id, ['active'], 10_000);
    await client.cancel(id);
    expect((await client.waitUntilOver(id, 30_000)).state).toBe('cancelled');
  } finally {
    await agents().hosts.shape(undefined);
  }
  await destination.exited;
  expect(await guest.state()).toBe('paused');
  await guest.monitor.execute('cont');
  await expectWhole(guest, filledPages(fillMiB));
});
