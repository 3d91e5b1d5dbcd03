import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Agents } from '../../agents/agents.js';
import { run as runProgram } from '../../environment/run.js';
import { createDisk, type DiskOptions } from '../../guests/disk.js';
import type { GuestDisk } from '../../guests/guest-disk.js';
import type { Guest } from '../../guests/guest.js';
import { alike } from './alike.js';
import { bootGuest, filledPages } from './boot-guest.js';
import { expectWhole } from './expect-whole.js';
import { run } from './introspected-guest.js';

const mib = 2 ** 20;
const fillMiB = 16;
/** The guest's own file systems may read as much of its disk beside the file, in sectors. */
const fewSectors = 64;

export const cachedMiB = 48;
export const diskMiB = 96;

/** A guest that has a file of random bytes, on its disk and in its page cache. */
export interface GuestWithCache {
  readonly guest: Guest;
  /** What `md5sum` says of the file. */
  readonly sum: string;
  readonly bytes: Buffer;
  /** The image's path. */
  readonly image: string;
}

export interface CacheOptions {
  readonly name?: string;
  readonly format?: DiskOptions['format'];
  /** How QEMU gets at the image, if not as a file. */
  readonly serve?: (image: { readonly path: string; readonly format: 'raw' | 'qcow2' }) => Promise<string>;
}

interface FirstGuest {
  readonly start: ReturnType<typeof alike>;
  readonly bytes: Buffer;
}

const firstGuests = new WeakMap<Agents, FirstGuest>();

/** What all guests of the same agents begin with. */
function firstGuestOf(agents: Agents): FirstGuest {
  const known = firstGuests.get(agents);
  if (known !== undefined) return known;
  const { source } = agents;
  const bytes = randomBytes(cachedMiB * mib);
  const boot = async (): Promise<Guest> => {
    const path = join(source.directory, 'cached.raw');
    const content = join(source.directory, 'content');
    await mkdir(content, { recursive: true });
    await writeFile(join(content, 'cached'), bytes);
    await createDisk(path, { format: 'raw', sizeMiB: diskMiB, content });
    const disk = { path, format: 'raw' } as const;
    const guest = await bootGuest(source, { memoryMiB: 256, fillMiB, disk });
    await run(guest, 'cat /mnt/cached > /dev/null');
    return guest;
  };
  const first = { start: alike(() => source, boot), bytes };
  firstGuests.set(agents, first);
  return first;
}

async function inFormat(raw: string, format: DiskOptions['format']): Promise<string> {
  if (format === 'raw') return raw;
  const path = `${raw}.${format}`;
  await runProgram('qemu-img', ['convert', '-f', 'raw', '-O', format, raw, path]);
  return path;
}

/** Starts it on the source. */
export async function bootWithCache(
  agents: Agents,
  { format = 'raw', serve, ...named }: CacheOptions = {},
): Promise<GuestWithCache> {
  const { start, bytes } = firstGuestOf(agents);
  let image = '';
  const disk = async (raw: string): Promise<GuestDisk> => {
    image = await inFormat(raw, format);
    return serve === undefined
      ? { path: image, format }
      : { path: await serve({ path: image, format }), format: 'raw' };
  };
  const guest = await start({ ...named, disk });
  return { guest, sum: `${createHash('md5').update(bytes).digest('hex')}  -`, bytes, image };
}

/** The file is in the guest's cache, as it was. */
export async function expectCached(guest: Guest, sum: string): Promise<void> {
  const sectorsRead = async (): Promise<number> =>
    Number(await guest.workload.output('awk \'$3 == "vda" { print $6 }\' /proc/diskstats'));
  const before = await sectorsRead();
  expect(await guest.workload.output('md5sum < /mnt/cached')).toBe(sum);
  expect((await sectorsRead()) - before).toBeLessThan(fewSectors);
}

/** The file is in the guest's cache, as it was, and on its disk. */
export async function expectFile(guest: Guest, sum: string): Promise<void> {
  await expectCached(guest, sum);
  await run(guest, 'echo 3 > /proc/sys/vm/drop_caches');
  expect(await guest.workload.output('md5sum < /mnt/cached')).toBe(sum);
}

/** All else that the guest has, too. */
export async function expectAllElse(guest: Guest): Promise<void> {
  await expectWhole(guest, filledPages(fillMiB));
}
