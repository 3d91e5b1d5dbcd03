import type { Journal } from '@pageferry/daemon';
import type { SerializedError } from '@pageferry/errors';
import type { OutgoingView } from './outgoing-view.js';
import type { MigrationRequest } from './request.js';

/** What the journal says of a guest that was given to the destination. */
export interface InterruptedHandOver {
  readonly request: MigrationRequest;
  readonly wasRunning: boolean;
  readonly postcopy: boolean;
  /** See `processIdentity`. */
  readonly qemu: string;
}

/** What does not change who owns the guest. */
type OutgoingRecord =
  | {
      readonly event: 'started';
      readonly request: MigrationRequest;
      readonly wasRunning: boolean;
      readonly qemu: string;
      /** ms since the epoch */
      readonly startedAt: number;
    }
  | { readonly event: 'stopping'; readonly postcopy: boolean }
  | { readonly event: 'rolled-back' | 'completed' }
  | { readonly event: 'failed'; readonly error: SerializedError }
  // The last one, of a migration that is over: what the API goes on to show of it.
  | { readonly event: 'ended'; readonly view: OutgoingView; readonly events: number };

/**
 * What stands on disk of an outgoing migration, and with it who owns the guest: from `handed-over` on this host must not
 * run it, unless it is `taken-back`. Every method rejects with `journal`.
 */
export class OutgoingJournal {
  readonly #journal: Journal;
  #handedOver: boolean;

  /** @param handedOver whether an earlier run of this agent has given the guest away */
  constructor(journal: Journal, handedOver: boolean) {
    this.#journal = journal;
    this.#handedOver = handedOver;
  }

  /** Whether the guest is no longer this host's. */
  get handedOver(): boolean {
    return this.#handedOver;
  }

  async record(record: OutgoingRecord): Promise<void> {
    await this.#journal.append(record);
  }

  async handOver(): Promise<void> {
    // Set first: a cancel that comes while the entry is written is too late.
    this.#handedOver = true;
    try {
      await this.#journal.append({ event: 'handed-over' });
    } catch (thrown) {
      // Nothing has been said to the destination, so nothing has been given away.
      this.#handedOver = false;
      throw thrown;
    }
  }

  /** The destination has said that the guest is not, and will not be, its own. */
  async takeBack(): Promise<void> {
    await this.#journal.append({ event: 'taken-back' });
    this.#handedOver = false;
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }
}
