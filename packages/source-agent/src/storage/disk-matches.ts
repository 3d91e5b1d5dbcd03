import type { Logger } from '@pageferry/daemon';
import type { GuestDisk } from '@pageferry/introspect';
import type { WireDisk } from '@pageferry/wire';
import { DiskMatch } from './disk-match.js';
import type { StorageView } from './storage-resource.js';

/** Which of the destination's disks the guest's are, as far as they were seen. */
export class DiskMatches {
  readonly #there: readonly WireDisk[];
  readonly #log: Logger;
  readonly #matches = new Map<string, DiskMatch>();

  /** @param there the destination's */
  constructor(there: readonly WireDisk[], log: Logger) {
    this.#there = there;
    this.#log = log;
  }

  get view(): StorageView['disks'] {
    return [...this.#matches.values()].map(({ disk: { name, bytes }, state }) => ({ name, bytes, state }));
  }

  of(disk: GuestDisk): DiskMatch {
    const key = `${disk.name} ${disk.bytes}`;
    const known = this.#matches.get(key);
    if (known !== undefined) return known;
    const match = new DiskMatch(disk, this.#there);
    this.#matches.set(key, match);
    this.#log.info({ disk, state: match.state }, 'a disk of the guest');
    return match;
  }

  /** See {@link DiskMatch.settled}. */
  settled(match: DiskMatch, number: number, count: number, different: number): void {
    const { disk, state } = match;
    match.settled(number, count, different);
    if (match.state === state) return;
    this.#log.info(
      { disk, state: match.state },
      'a disk of the guest was compared with one of the destination',
    );
  }
}
