import type { Disk } from '@pageferry/qemu';
import { PAGE_SIZE } from '@pageferry/transfer';
import type { SampledDisk } from '@pageferry/wire';
import type { BlockSink, SharedDisks } from './shared-disks.js';

/** A disk of the guest's and one here that is as long, and how many samples have been found to be equal, and not. */
export interface DiskPair {
  readonly there: Disk;
  readonly equal: number;
  readonly different: number;
}

interface ComparedPair {
  /** By its place among the guest's. */
  readonly disk: number;
  readonly there: Disk;
  readonly thereNumber: number;
  equal: number;
  different: number;
}

/** A block that is wanted of a disk. */
interface WantedSample {
  readonly pair: ComparedPair;
  readonly hash: bigint;
}

/** Reads samples of a guest's disks from all disks here that they may be. */
export class DiskSamples implements BlockSink {
  readonly #guestDisks: readonly SampledDisk[];
  readonly #shared: Pick<SharedDisks, 'hash' | 'deliverTo' | 'want'>;
  readonly #pairs: readonly ComparedPair[];
  /** By slots. */
  readonly #wanted: WantedSample[] = [];
  #left = 0;
  #done: () => void = () => undefined;

  constructor(
    guestDisks: readonly SampledDisk[],
    shared: Pick<SharedDisks, 'hash' | 'disks' | 'deliverTo' | 'want'>,
  ) {
    this.#guestDisks = guestDisks;
    this.#shared = shared;
    this.#pairs = guestDisks.flatMap(({ bytes }, disk) =>
      shared.disks.flatMap((there, thereNumber) =>
        there.size === bytes ? [{ disk, there, thereNumber, equal: 0, different: 0 }] : [],
      ),
    );
  }

  /** Resolves when all samples have been read, or have been found to be unreadable. To be called once. */
  async read(): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.#done = resolve;
    });
    this.#shared.deliverTo(this);
    for (const pair of this.#pairs) this.#want(pair);
    if (this.#left === 0) return;
    await done;
  }

  /** What a disk of the guest's may be. */
  pairsOf(disk: number): readonly DiskPair[] {
    return this.#pairs.filter((pair) => pair.disk === disk);
  }

  block(slot: number, buffer: Buffer, offset: number): void {
    const wanted = this.#wanted[slot];
    if (wanted === undefined) return;
    const { pair, hash } = wanted;
    if (this.#shared.hash(buffer.subarray(offset, offset + PAGE_SIZE)) === hash) pair.equal++;
    else pair.different++;
    this.#settle();
  }

  unreadable(): void {
    this.#settle();
  }

  blocksEnd(): undefined {
    return undefined;
  }

  #want(pair: ComparedPair): void {
    const { samples = [] } = this.#guestDisks[pair.disk] ?? {};
    if (samples.length === 0) return;
    const first = this.#wanted.length;
    for (const { hash } of samples) this.#wanted.push({ pair, hash: BigInt(`0x${hash}`) });
    this.#left += samples.length;
    const slots = Uint32Array.from(samples, (_sample, index) => first + index);
    const offsets = Float64Array.from(samples, ({ offset }) => offset);
    this.#shared.want(pair.thereNumber, slots, offsets, samples.length);
  }

  #settle(): void {
    if (--this.#left === 0) this.#done();
  }
}
