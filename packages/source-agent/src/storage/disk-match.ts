import type { GuestDisk } from '@pageferry/introspect';
import type { WireDisk } from '@pageferry/wire';

/** Of those that were named to find out whether a disk is the guest's, or of all, as soon as so many were. */
export const DIFFERENT_SHARE = 0.5;
const ENOUGH_PAGES = 512;

/**
 * Whether a disk of the guest's is among those of the destination: no disk was tried yet; one is being tried; one has what the guest's
 * cache says; none has.
 */
export type DiskState = 'untried' | 'trying' | 'shared' | 'different';

/** Finds the disk of the destination that is a guest's disk, by its length and by what its blocks have. */
export class DiskMatch {
  readonly disk: GuestDisk;
  /** Numbers of the destination's disks that it may be; the first one is tried, or was found. */
  readonly #candidates: number[];
  #state: DiskState;
  #settledPages = 0;
  #differentPages = 0;

  constructor(disk: GuestDisk, there: readonly WireDisk[]) {
    this.disk = disk;
    this.#candidates = there.flatMap(({ bytes }, number) => (bytes === disk.bytes ? [number] : []));
    this.#state = this.#candidates.length === 0 ? 'different' : 'untried';
  }

  get state(): DiskState {
    return this.#state;
  }

  /** The destination's number of the disk that it is, or may be. */
  get number(): number | undefined {
    return this.#candidates[0];
  }

  /** Pages have been named to find out. */
  tried(): void {
    if (this.#state === 'untried') this.#state = 'trying';
  }

  /** Nothing is heard of what was named. */
  forgotten(): void {
    if (this.#state === 'trying') this.#state = 'untried';
  }

  /** Of `count` pages that were named of disk `number`, so many could not be restored. */
  settled(number: number, count: number, different: number): void {
    if (number !== this.number) return;
    this.#settledPages += count;
    this.#differentPages += different;
    const isDifferent = this.#differentPages > this.#settledPages * DIFFERENT_SHARE;
    if (this.#state === 'trying') {
      if (!isDifferent) this.#state = 'shared';
      else this.#next();
    } else if (isDifferent && this.#settledPages >= ENOUGH_PAGES) {
      this.#next();
    }
  }

  #next(): void {
    this.#candidates.shift();
    this.#settledPages = 0;
    this.#differentPages = 0;
    this.#state = this.#candidates.length === 0 ? 'different' : 'untried';
  }
}
