import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { moveGuest, requestMove, startIncoming, type MovedGuest } from '../agents/move-guest.js';
import type { Mode } from '../agents/migration.js';
import { eventually } from '../environment/deadline.js';
import type { Guest } from '../guests/guest.js';
import type { NbdExport } from '../hosts/nbd-export.js';
import {
  bootWithCache,
  cachedMiB,
  expectAllElse,
  expectCached,
  expectFile,
  type GuestWithCache,
} from './support/cached-file.js';
import { run } from './support/introspected-guest.js';
import { useAgents } from './support/use-agents.js';
import { useStorageHost } from './support/use-storage-host.js';

/** A link that brings less in a second than storage does, where that is not slow. */
const agents = useAgents({ megabitsPerSecond: 200 });
const storage = useStorageHost(agents);

const pagesPerMib = 256;
const deadlineMs = 60_000;
/** The guest boots, moves, and verifies all that it has. */
const movingMs = 150_000;

let served: NbdExport | undefined;

/** Its disk is on the storage host. */
async function boot(): Promise<GuestWithCache> {
  return bootWithCache(agents(), {
    serve: async (image) => {
      served = await storage().serve(image);
      return served.url;
    },
  });
}

/** Has the storage host's server stand still; answers how to have it go on. */
function stopServer(): () => void {
  if (served === undefined) throw new Error('nothing is served');
  const { pid } = served;
  process.kill(pid, 'SIGSTOP');
  return () => {
    process.kill(pid, 'SIGCONT');
  };
}

/** The process that the destination agent reads the disk through. */
async function imageServer(): Promise<number | undefined> {
  const { pid } = agents().destinationAgent;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  for (const child of children.split(' ').filter((word) => word !== '')) {
    const name = await readFile(`/proc/${child}/comm`, 'utf8').catch(() => '');
    if (name.startsWith('qemu-nbd')) return Number(child);
  }
  return undefined;
}

/** Begins a migration; resolves when something has come from storage. */
async function begin(guest: Guest, mode: Mode): Promise<{ id: string; destination: Guest }> {
  const destination = await startIncoming(guest, agents().destination);
  const { id } = await requestMove(guest, agents(), { mode });
  const { client } = agents().sourceAgent;
  await eventually(
    async () => ((await client.get(id)).storage?.restored ?? 0) > 0,
    deadlineMs,
    'pages that come from storage',
  );
  return { id, destination };
}

const restoredMiB = ({ storage: counts }: MovedGuest['migration']): number =>
  (counts?.restored ?? 0) / pagesPerMib;

beforeEach(() => {
  served = undefined;
});
afterEach(async () => {
  await storage().shape(undefined);
  // Whoever stands still does not end.
  if (served !== undefined) process.kill(served.pid, 'SIGCONT');
});

describe('page cache on a storage host', () => {
  test.each<Mode>(['precopy', 'hybrid', 'postcopy'])(
    'that is slow comes over the network instead, by %s',
    async (mode) => {
      const { guest, sum } = await boot();
      await storage().shape(8);
      const { destination, migration } = await moveGuest(guest, agents(), { mode });
      await storage().shape(undefined);
      expect(restoredMiB(migration)).toBeLessThan(cachedMiB / 2);
      await expectFile(destination, sum);
      await expectAllElse(destination);
    },
    movingMs,
  );

  test.each<Mode>(['precopy', 'hybrid', 'postcopy'])(
    'whose reader hangs comes over the network instead, by %s',
    async (mode) => {
      const { guest, sum } = await boot();
      // As slowly as this there is something left to be read.
      await storage().shape(50);
      const { id, destination } = await begin(guest, mode);
      const reader = await eventually(imageServer, deadlineMs, 'the image server');
      process.kill(reader, 'SIGSTOP');
      await agents().sourceAgent.client.waitUntil(id, ['completed'], deadlineMs);
      await eventually(
        async () => (await imageServer()) === undefined,
        deadlineMs,
        'the end of the image server',
      );
      await storage().shape(undefined);
      await expectFile(destination, sum);
      await expectAllElse(destination);
    },
    movingMs,
  );
});

describe('a storage host that hangs', () => {
  const hangMs = 5000;

  test.each<Mode>(['precopy', 'hybrid', 'postcopy'])(
    'for a while leaves the guest whole on the other host, by %s',
    async (mode) => {
      const { guest, sum } = await boot();
      await storage().shape(50);
      const { id, destination } = await begin(guest, mode);
      setTimeout(stopServer(), hangMs);
      await agents().sourceAgent.client.waitUntil(id, ['completed'], deadlineMs);
      await storage().shape(undefined);
      await expectFile(destination, sum);
      await expectAllElse(destination);
    },
    movingMs,
  );

  test(
    'for so long that the guest cannot be stopped leaves it running where it is',
    async () => {
      const { guest, sum } = await boot();
      await storage().shape(50);
      // A hybrid may leave storage alone until it has stopped the guest.
      const { id } = await begin(guest, 'precopy');
      const goOn = stopServer();
      const { sourceAgent } = agents();
      const isGivenUp = async (): Promise<boolean> =>
        (await sourceAgent.logLines()).some(
          ({ migration, msg }) => migration === id && msg === 'the dirty log could not be ended',
        );
      await eventually(isGivenUp, 2 * deadlineMs, 'the end of patience', 500);
      goOn();
      await sourceAgent.client.waitUntil(id, ['failed'], deadlineMs);
      await storage().shape(undefined);
      await expectFile(guest, sum);
      await expectAllElse(guest);
    },
    movingMs + 2 * deadlineMs,
  );
});

/** Where the pages of a file lie in an image, in the order of the file. */
function placesOf(image: Buffer, file: Buffer): number[] {
  const pageBytes = 4096;
  const places: number[] = [];
  for (let at = 0; at < file.length; at += pageBytes) {
    const page = file.subarray(at, at + pageBytes);
    const expected = (places.at(-1) ?? 0) + pageBytes;
    const isThere = image.subarray(expected, expected + pageBytes).equals(page);
    places.push(isThere ? expected : image.indexOf(page));
  }
  return places;
}

const pieceBytes = 64 * 1024;

/** Where pieces of the file lie, from one place in it to another, MiB: those that lie in one piece on the disk. */
function piecesOf(places: readonly number[], fromMiB: number, toMiB: number): number[] {
  const pages = pieceBytes / 4096;
  const pieces: number[] = [];
  for (let page = fromMiB * pagesPerMib; page < toMiB * pagesPerMib; page += pages) {
    const [first = -1] = places.slice(page, page + 1);
    if (first !== -1 && places[page + pages - 1] === first + pieceBytes - 4096) pieces.push(first);
  }
  return pieces;
}

describe("a guest whose kernel's word on its disk is wrong", () => {
  /** A command line that writes pieces past the guest's page cache; few enough of them for one line. */
  const overwrite = (pieces: readonly number[], from: string): string =>
    `for at in ${pieces.join(' ')}; do dd if=${from} of=/dev/vda bs=${pieceBytes} count=1 ` +
    'seek=$at oflag=direct,seek_bytes conv=notrunc 2> /dev/null || exit 1; done';

  test.each<Mode>(['precopy', 'hybrid', 'postcopy'])(
    'finds its cache as it was after %s',
    async (mode) => {
      const { guest, sum, bytes, image } = await boot();
      const places = placesOf(await readFile(image), bytes);
      // Some of its blocks have other contents, some those of another block, and some never the same for long.
      const [other = -1] = piecesOf(places, 40, 41);
      await run(guest, overwrite(piecesOf(places, 16, 18), '/dev/urandom'));
      const copy = `/dev/vda iflag=direct,skip_bytes skip=${other}`;
      await run(guest, overwrite(piecesOf(places, 20, 22), copy));
      const again = overwrite(piecesOf(places, 24, 26), '/dev/urandom');
      await run(guest, `(while [ ! -e /tmp/enough ]; do ${again}; done) &`);
      const { destination, migration } = await moveGuest(guest, agents(), { mode });
      await run(destination, 'touch /tmp/enough');
      expect(migration.storage?.disks).toMatchObject([{ name: 'vda', state: 'shared' }]);
      expect(migration.storage?.unrestored).toBeGreaterThan(0);
      expect(restoredMiB(migration)).toBeGreaterThan(0);
      await expectCached(destination, sum);
      await expectAllElse(destination);
    },
    movingMs,
  );
});
