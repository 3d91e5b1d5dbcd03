import type { Journal, Logger } from '@pageferry/daemon';
import type { SerializedError } from '@pageferry/errors';
import type { BlockShape } from '@pageferry/transfer';
import type { MigrationMode } from '@pageferry/wire';
import type { IncomingView } from './incoming-resource.js';
import type { PeerNames } from './same-peer.js';

/** What the journal says of a guest that belongs to this host and lacks pages. */
export interface InterruptedPostcopy {
  readonly guest: string;
  readonly mode: MigrationMode;
  readonly run: boolean;
  readonly blocks: readonly BlockShape[];
  /** See `processIdentity`. */
  readonly qemu: string;
  /** Undefined in a journal of an earlier version. */
  readonly peers?: PeerNames | undefined;
}

/** What does not change who owns the guest. */
type IncomingRecord =
  // Before the driver may start a QEMU for the guest.
  | { readonly event: 'starting'; readonly guest: string; readonly mode: MigrationMode }
  | {
      readonly event: 'preparing';
      readonly guest: string;
      readonly mode: MigrationMode;
      readonly blocks: readonly BlockShape[];
      /** See `processIdentity`. */
      readonly qemu: string;
      /** ms since the epoch */
      readonly startedAt: number;
      /** Of the source, which alone may go on with it. */
      readonly peers: PeerNames;
    }
  | { readonly event: 'ready'; readonly postcopy: boolean }
  | { readonly event: 'running' | 'completed' | 'aborted' }
  | { readonly event: 'failed'; readonly error: SerializedError }
  // The last one, of a migration that is over: what the API goes on to show of it.
  | { readonly event: 'ended'; readonly view: IncomingView };

/**
 * What stands on disk of an incoming migration, and with it who owns the guest: from `owner` on it belongs to this host,
 * unless it is `returned`. Every method but {@link note} rejects with `journal`.
 */
export class IncomingJournal {
  readonly #journal: Journal;
  readonly #log: Logger;
  #owner: boolean;
  #returned = false;

  /** @param owner whether an earlier run of this agent has taken the guest over */
  constructor(journal: Journal, log: Logger, owner: boolean) {
    this.#journal = journal;
    this.#log = log;
    this.#owner = owner;
  }

  /** Whether the guest is this host's. */
  get owner(): boolean {
    return this.#owner;
  }

  /** Whether it was, and the source has it again. */
  get returned(): boolean {
    return this.#returned;
  }

  async record(record: IncomingRecord): Promise<void> {
    await this.#journal.append(record);
  }

  /** For what is already so: a journal that fails must not end a guest that runs. */
  async note(record: IncomingRecord): Promise<void> {
    try {
      await this.record(record);
    } catch (thrown) {
      this.#log.error(
        { err: thrown, record },
        'the journal could not be written: the migration goes on without it',
      );
    }
  }

  /** @param run whether the guest is to run here, or to stay paused */
  async takeOver(run: boolean): Promise<void> {
    await this.#journal.append({ event: 'owner', run });
    this.#owner = true;
  }

  /** From this entry on the source may run the guest. */
  async giveBack(): Promise<void> {
    await this.#journal.append({ event: 'returned' });
    this.#owner = false;
    this.#returned = true;
  }

  async close(): Promise<void> {
    await this.#journal.close();
  }

  /** For what was no migration: nothing is left. */
  async remove(): Promise<void> {
    await this.#journal.remove();
  }
}
