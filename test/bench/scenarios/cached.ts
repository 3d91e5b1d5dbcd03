import { join } from 'node:path';
import { numberInGuest, runInGuest } from '../in-guest.js';
import type { Load } from '../load.js';
import { LoadDisk, writeRandomFile } from '../load-disk.js';
import type { Scenario } from '../scenario.js';

const memoryMiB = 512;
const cachedMiB = memoryMiB / 2;
const readMiB = cachedMiB / 4;
const fillMiB = 64;
const diskMiB = cachedMiB + 64;
/** How much slower than the network. */
const slowness = 10;

/** Half of RAM is clean page cache, a quarter of which is read all the time; the work is counted in MiB that were read. */
function cachedLoad(): Load {
  const disk = new LoadDisk();
  let checksum = '';
  return {
    description:
      `A file of ${cachedMiB} MiB on the disk is in the page cache; ${readMiB} MiB of it are read all the time, in pieces of ` +
      `1 MiB. Besides, ${fillMiB} MiB of incompressible pages, none rewritten`,
    hardware: async (storage) => ({
      disk: await disk.create(storage, {
        sizeMiB: diskMiB,
        fill: async (folder) => {
          checksum = await writeRandomFile(join(folder, 'cached'), cachedMiB * 1024 * 1024);
        },
      }),
    }),
    start: async (guest) => {
      await guest.workload.fill(fillMiB);
      await runInGuest(guest, 'cat /mnt/cached > /dev/null');
      await runInGuest(
        guest,
        `(while true; do for i in $(seq 0 ${readMiB - 1}); do dd if=/mnt/cached of=/dev/null bs=1M count=1 skip=$i 2> /dev/null && echo >> /tmp/read; done; done) > /dev/null 2>&1 &`,
      );
    },
    work: (guest) => numberInGuest(guest, 'wc -c < /tmp/read || echo 0'),
    check: async (guest) => {
      const { errors } = await guest.workload.check();
      const wrong = `test "$(md5sum < /mnt/cached)" = "${checksum}  -"; echo $?`;
      const inCache = await numberInGuest(guest, wrong);
      const onDisk = await numberInGuest(guest, `echo 3 > /proc/sys/vm/drop_caches; ${wrong}`);
      return errors + inCache + onDisk;
    },
    close: () => disk.close(),
  };
}

const base = { memoryMiB, links: [1000, 200], load: cachedLoad } as const;

export const cachedScenarios: readonly Scenario[] = [
  {
    name: 'cached',
    purpose: 'Half of RAM is clean page cache, and storage is as fast as the network',
    ...base,
    methods: [
      'qemu-precopy',
      'precopy',
      'precopy-without-storage',
      'qemu-postcopy',
      'hybrid',
      'hybrid-without-storage',
      'postcopy',
    ],
    storage: (link) => link,
  },
  {
    name: 'cached-slow-storage',
    purpose: `Half of RAM is clean page cache, and storage is ${slowness} times slower than the network`,
    ...base,
    methods: [
      'qemu-precopy',
      'precopy',
      'precopy-without-storage',
      'qemu-postcopy',
      'hybrid',
      'hybrid-without-storage',
    ],
    storage: (link) => (link === null ? null : link / slowness),
  },
];
