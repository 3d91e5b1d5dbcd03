import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programFiles, programFolders, runProgram } from '../environment/debian-programs.js';
import { ensureEnvironment } from '../environment/install.js';
import { source } from '../environment/paths.js';
import { sqlite } from '../environment/sqlite.js';
import { extendInitramfs } from '../guests/initramfs.js';
import { numberInGuest, runInGuest } from './in-guest.js';
import type { Load } from './load.js';
import { LoadDisk } from './load-disk.js';

const rows = 160 * 1024;
const databaseMiB = 160;
/** With room for its log. */
const diskMiB = databaseMiB + 128;
/** Beside the database, memory that verifies itself. */
const fillMiB = 64;
/** Rows that a query reads. */
const queryRows = 100;
const queriesAnUpdate = 10;
const createTimeoutMs = 120_000;

const scripts = ['start.sh', 'check.sh', 'work.sh'] as const;

/** Each row has the same random bytes twice. */
const tables = [
  'CREATE TABLE items (id INTEGER PRIMARY KEY, a BLOB NOT NULL, b BLOB NOT NULL);',
  'WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ' +
    `${rows}) INSERT INTO items SELECT n, randomblob(480), zeroblob(480) FROM numbers;`,
  'UPDATE items SET b = a;',
  'PRAGMA journal_mode = WAL;',
].join(' ');

const anyRow = `abs(random()) % ${rows} + 1`;
/** Of how many rows both halves are the same: all that are read. */
const query =
  `WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${queryRows}), ` +
  `picked AS MATERIALIZED (SELECT ${anyRow} AS id FROM numbers) SELECT sum(a = b) FROM picked JOIN items USING (id);`;
const update =
  `WITH new AS MATERIALIZED (SELECT ${anyRow} AS id, randomblob(480) AS bytes) UPDATE items ` +
  'SET a = (SELECT bytes FROM new), b = (SELECT bytes FROM new) WHERE id = (SELECT id FROM new);';
const batch = `${[...Array.from({ length: queriesAnUpdate }, () => query), update].join('\n')}\n`;

/** The usual first file system with SQLite and the scripts in it. */
async function buildInitramfs(): Promise<string> {
  const { initramfs } = await ensureEnvironment();
  const files = await programFiles(sqlite, console.error);
  for (const name of scripts)
    files.set(`database/${name}`, await readFile(source('bench', 'database', name)));
  files.set('database/batch.sql', Buffer.from(batch));
  return extendInitramfs(initramfs, [...programFolders, 'database'], files);
}

/** A database and who queries it; the work is counted in queries. */
export function databaseLoad(): Load {
  const disk = new LoadDisk();
  return {
    description:
      `SQLite with a database of ${databaseMiB} MiB on the disk, all of it in the page cache, and one client, which reads ` +
      `${queryRows} random rows of ${rows} by each query and rewrites one after every ${queriesAnUpdate} queries, as fast as the ` +
      'processor lets it; each row is verified as it is read, and afterwards the whole database, from the cache and from the disk. ' +
      `Besides, ${fillMiB} MiB of incompressible pages, none rewritten`,
    hardware: async (storage) => ({
      disk: await disk.create(storage, {
        sizeMiB: diskMiB,
        fill: async (folder) => {
          await runProgram(sqlite, 'bin/sqlite3', [join(folder, 'database'), tables], createTimeoutMs);
        },
      }),
      initramfs: await buildInitramfs(),
    }),
    start: async (guest) => {
      await guest.workload.fill(fillMiB);
      await runInGuest(guest, '/database/start.sh');
    },
    work: (guest) => numberInGuest(guest, '/database/work.sh'),
    check: async (guest) => {
      const wrong = await numberInGuest(guest, `/database/check.sh ${queryRows}`);
      const { errors } = await guest.workload.check();
      return errors + wrong;
    },
    close: () => disk.close(),
  };
}
