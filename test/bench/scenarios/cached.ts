import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDisk } from '../../guests/disk.js';
import type { Guest } from '../../guests/guest.js';
import type { Load } from '../load.js';
import type { Scenario } from '../scenario.js';

const memoryMiB = 512;
const cachedMiB = memoryMiB / 2;
const readMiB = cachedMiB / 4;
const fillMiB = 64;
const diskMiB = cachedMiB + 64;
/** For an emulated processor to write the file, and to read it. */
const timeoutMs = 120_000;

async function run({ workload }: Guest, commandLine: string): Promise<void> {
  const status = await workload.shell(commandLine, timeoutMs);
  if (status !== 0) throw new Error(`"${commandLine}" has ended with ${status} in the guest`);
}

/** Half of RAM is clean page cache, a quarter of which is read all the time; the work is counted in MiB that were read. */
function cachedLoad(): Load {
  let directory: string | undefined;
  return {
    description:
      `A file of ${cachedMiB} MiB on a shared disk is in the page cache; ${readMiB} MiB of it are read all the time, in pieces of ` +
      `1 MiB. Besides, ${fillMiB} MiB of incompressible pages, none rewritten`,
    hardware: async () => {
      directory = await mkdtemp(join(tmpdir(), 'pageferry-bench-'));
      const disk = { path: join(directory, 'disk.raw'), format: 'raw' } as const;
      await createDisk(disk.path, { format: 'raw', sizeMiB: diskMiB });
      return { disk };
    },
    start: async (guest) => {
      await guest.workload.fill(fillMiB);
      // Random, and as fast as an emulated processor can write it: the same 16 MiB, of which none are alike within it.
      await run(guest, 'dd if=/dev/urandom of=/tmp/random bs=1M count=16');
      await run(
        guest,
        `for i in $(seq ${cachedMiB / 16}); do cat /tmp/random; done > /mnt/cached && rm /tmp/random && sync`,
      );
      await run(guest, 'echo 3 > /proc/sys/vm/drop_caches && cat /mnt/cached > /dev/null');
      await run(
        guest,
        `(while true; do for i in $(seq 0 ${readMiB - 1}); do dd if=/mnt/cached of=/dev/null bs=1M count=1 skip=$i 2> /dev/null && echo >> /tmp/read; done; done) > /dev/null 2>&1 &`,
      );
    },
    work: async ({ workload }) => Number(await workload.output('wc -c < /tmp/read || echo 0')),
    check: async (guest) => {
      const { errors } = await guest.workload.check();
      const damaged = await guest.workload.shell(
        'md5sum < /mnt/cached > /tmp/there && echo 3 > /proc/sys/vm/drop_caches && md5sum < /mnt/cached | cmp -s - /tmp/there',
        timeoutMs,
      );
      return errors + (damaged === 0 ? 0 : 1);
    },
    close: async () => {
      if (directory !== undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

export const cached: Scenario = {
  name: 'cached',
  purpose: 'Half of RAM is clean page cache',
  memoryMiB,
  links: [1000],
  methods: ['qemu-precopy', 'precopy', 'qemu-postcopy', 'hybrid', 'postcopy'],
  load: cachedLoad,
};
