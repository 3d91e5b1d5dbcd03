import type { Guest } from '../guests/guest.js';
import type { GuestHardware } from '../guests/qemu-arguments.js';
import type { StorageHost } from '../hosts/storage-host.js';

/** What a guest does while it is moved. */
export interface Load {
  /** For the document. */
  readonly description: string;
  /** What the guest needs for it, besides memory. Its disk, if it has one, is on the scenario's storage host. */
  hardware?(storage: StorageHost | undefined): Promise<Pick<GuestHardware, 'initramfs' | 'disk'>>;
  /** Starts it in a guest that has booted; resolves when it does its usual work. */
  start(guest: Guest): Promise<void>;
  /** How long it takes to tell its usual rate of work; 1 s by default. */
  readonly usualWorkMs?: number;
  /** What has been done so far, in a unit of its own. */
  work(guest: Guest): Promise<number>;
  /** Removes what it has made on this host. */
  close?(): Promise<void>;
  /** Checks all that the guest can check of itself; the number of errors found. */
  check(guest: Guest): Promise<number>;
}
