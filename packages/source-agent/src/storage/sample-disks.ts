import type { Logger } from '@pageferry/daemon';
import { withTimeout } from '@pageferry/errors';
import { imageDigest, listDisks, type Disk } from '@pageferry/qemu';
import { PAGE_SIZE, PageSet, openHash, type HashBytes } from '@pageferry/transfer';
import {
  BLOCK_HASH_SEED,
  MAX_DISKS,
  MAX_DISK_SAMPLES,
  type DiskSample,
  type SampledDisk,
  type WireDisk,
} from '@pageferry/wire';
import { GuestInspector } from '../page-filter/guest-inspector.js';
import { Unreadable } from '../page-filter/inspector.js';
import type { KnownGuests } from '../page-filter/known-guests.js';
import type { SourceGuest } from '../source-guest.js';
import type { DiskPages } from './file-page-map.js';

/** For a look into the guest, ms. */
const LOOK_TIMEOUT_MS = 10_000;
/** Pages that are read for each sample: those of zeroes say nothing, nor do those that another one is like. */
const PAGES_A_SAMPLE = 8;
const NAME_CHARACTERS = 256;
const ZEROES = Buffer.alloc(PAGE_SIZE);

/** A guest's disks, and some pages of each that its cache has. */
export interface SampledDisks {
  readonly disks: readonly SampledDisk[];
  /** Why there are no samples, as a clause; null if there are. */
  readonly reason: string | null;
}

/** What is seen of disks in a guest. */
type SeenDisk = Omit<SampledDisk, 'image'>;

/**
 * Looks into a guest, once, for how its disks can be told from others. What keeps it from being looked into is not an error, but
 * the reason.
 * @throws the reason of `signal`
 */
export async function sampleDisks(
  guest: SourceGuest,
  known: KnownGuests,
  log: Logger,
  signal: AbortSignal,
): Promise<SampledDisks> {
  const byQemu = await listDisks(guest.qmp, { signal }).catch((thrown: unknown) => {
    signal.throwIfAborted();
    log.warn({ err: thrown }, "the guest's disks are not known");
    return [];
  });
  const seen = await look(guest, known, signal).catch((thrown: unknown) => {
    signal.throwIfAborted();
    log.warn({ err: thrown }, 'the guest could not be looked into');
    return new Unreadable(thrown instanceof Error ? thrown.message : String(thrown));
  });
  if (seen instanceof Unreadable) return { disks: joined([], byQemu), reason: seen.reason };
  const hasSamples = seen.some(({ samples }) => samples.length > 0);
  return {
    disks: joined(seen, byQemu),
    reason: hasSamples ? null : 'its page cache has nothing of files on a disk',
  };
}

async function look(
  guest: SourceGuest,
  known: KnownGuests,
  signal: AbortSignal,
): Promise<SeenDisk[] | Unreadable> {
  const late = `a look into the guest took more than ${LOOK_TIMEOUT_MS} ms`;
  return withTimeout(signal, LOOK_TIMEOUT_MS, 'qmp-timeout', late, async (inner) => {
    const inspector = await GuestInspector.open(guest, known, inner);
    if (inspector instanceof Unreadable) return inspector;
    const cache = new PageSet(guest.layout);
    const looked = await inspector.look({ free: new PageSet(guest.layout), cache }, inner);
    if (looked instanceof Unreadable) return looked;
    const map = await inspector.mapFilePages(cache, inner);
    if (map instanceof Unreadable) return map;
    const hash = await openHash(BLOCK_HASH_SEED);
    return map.disks.map((pages) => {
      const { name, bytes } = pages.disk;
      return { name: name.slice(0, NAME_CHARACTERS), bytes, samples: samplesOf(pages, guest, hash) };
    });
  });
}

/** Samples from all over what is known of the disk. */
function samplesOf(
  { pages, offsets }: DiskPages,
  { layout, memory }: Pick<SourceGuest, 'layout' | 'memory'>,
  hashBytes: HashBytes,
): DiskSample[] {
  const samples = new Map<string, DiskSample>();
  const content = Buffer.allocUnsafe(PAGE_SIZE);
  for (let turn = 0; turn < PAGES_A_SAMPLE * MAX_DISK_SAMPLES; turn++) {
    if (samples.size === MAX_DISK_SAMPLES) break;
    const part = (turn % MAX_DISK_SAMPLES) + Math.floor(turn / MAX_DISK_SAMPLES) / PAGES_A_SAMPLE;
    const at = Math.floor((part / MAX_DISK_SAMPLES) * pages.length);
    const page = pages[at] ?? 0;
    const block = layout.blockOfPage(page);
    memory.readSync(block.index, layout.address(block, page), content, 0, PAGE_SIZE);
    if (content.equals(ZEROES)) continue;
    const hash = hashBytes(content).toString(16).padStart(16, '0');
    samples.set(hash, { offset: offsets[at] ?? 0, hash });
  }
  return [...samples.values()];
}

/** The disks by the names that the guest has for them, and those of which nothing was seen in it by QEMU's. */
function joined(seen: readonly SeenDisk[], byQemu: readonly Disk[]): SampledDisk[] {
  const unseen = [...byQemu];
  const disks = seen.map((disk) => {
    const at = unseen.findIndex(({ size }) => size === disk.bytes);
    if (at !== -1) unseen.splice(at, 1);
    return disk;
  });
  const others = unseen.map(({ name, size }) => ({
    name: name.slice(0, NAME_CHARACTERS),
    bytes: size,
    samples: [],
  }));
  return [...disks, ...others].slice(0, MAX_DISKS).map((disk) => ({ ...disk, ...imageOf(disk, byQemu) }));
}

/** Which image a disk has is known if no other one is as long. */
function imageOf({ bytes }: WireDisk, byQemu: readonly Disk[]): Pick<SampledDisk, 'image'> {
  const [image, another] = byQemu.filter(({ size }) => size === bytes);
  return image === undefined || another !== undefined ? {} : { image: imageDigest(image) };
}
