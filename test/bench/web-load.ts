import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { programFiles, programFolders } from '../environment/debian-programs.js';
import { ensureEnvironment } from '../environment/install.js';
import { nginx } from '../environment/nginx.js';
import { source } from '../environment/paths.js';
import { compileForGuest } from '../guests/compile.js';
import { extendInitramfs } from '../guests/initramfs.js';
import { numberInGuest, runInGuest } from './in-guest.js';
import type { Load } from './load.js';
import { LoadDisk, writeRandomFile } from './load-disk.js';

const files = 3072;
const fileKiB = 64;
const clients = 2;
const filesMiB = (files * fileKiB) / 1024;
const diskMiB = filesMiB + 64;
/** Beside the files, memory that verifies itself. */
const fillMiB = 64;

const scripts = ['start.sh', 'check.sh', 'work.sh', 'nginx.conf'] as const;
/** The server looks its user up. */
const users = new Map([
  ['etc/passwd', Buffer.from('root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n')],
  ['etc/group', Buffer.from('root:x:0:\nnogroup:x:65534:\n')],
]);

/** The usual first file system with nginx, its clients and the scripts in it. */
async function buildInitramfs(): Promise<string> {
  const { initramfs } = await ensureEnvironment();
  const content = new Map([...(await programFiles(nginx, console.error)), ...users]);
  for (const name of scripts) content.set(`web/${name}`, await readFile(source('bench', 'web', name)));
  const program = join(tmpdir(), `pageferry-client-${randomUUID()}`);
  try {
    content.set('web/client', await compileForGuest([source('bench', 'web', 'client.c')], program));
  } finally {
    await rm(program, { force: true });
  }
  return extendInitramfs(initramfs, [...programFolders, 'web', 'etc'], content);
}

/** Each file begins with its number, and the checksums of all of them lie beside them. */
async function writeFiles(folder: string): Promise<void> {
  await mkdir(join(folder, 'files'));
  const lines: string[] = [];
  for (let number = 0; number < files; number++) {
    const name = `files/${String(number).padStart(4, '0')}`;
    const beginning = String(number).padStart(8, '0');
    const checksum = await writeRandomFile(join(folder, name), fileKiB * 1024, beginning);
    lines.push(`${checksum}  ${name}\n`);
  }
  await writeFile(join(folder, 'checksums'), lines.join(''));
}

/** A web server and its clients; the work is counted in files that the clients have got. */
export function webLoad(): Load {
  const disk = new LoadDisk();
  return {
    description:
      `Debian's \`nginx\` with ${files} files of ${fileKiB} KiB on the disk, all of them in the page cache, and ${clients} clients in ` +
      'the same guest, which get random ones as fast as the processor lets them and look at the length and the beginning of each; ' +
      `afterwards every file's checksum is verified, from the cache and from the disk. Besides, ${fillMiB} MiB of incompressible ` +
      'pages, none rewritten',
    hardware: async (storage) => ({
      disk: await disk.create(storage, { sizeMiB: diskMiB, fill: writeFiles }),
      initramfs: await buildInitramfs(),
    }),
    start: async (guest) => {
      await guest.workload.fill(fillMiB);
      await runInGuest(guest, `/web/start.sh ${clients} ${files} ${fileKiB * 1024}`);
    },
    work: (guest) => numberInGuest(guest, '/web/work.sh'),
    check: async (guest) => {
      const wrongFiles = await numberInGuest(guest, '/web/check.sh');
      const { errors } = await guest.workload.check();
      return errors + wrongFiles;
    },
    close: () => disk.close(),
  };
}
