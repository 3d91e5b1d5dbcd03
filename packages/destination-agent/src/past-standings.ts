import { Journal, type Logger } from '@pageferry/daemon';
import type { RecoveredMigration } from './recovery.js';

/** Far more than may be under way anywhere, and small. */
const MOST_KEPT = 10_000;

type PastStanding = Pick<RecoveredMigration, 'phase' | 'completed' | 'error' | 'peers'>;

/**
 * This host's last word on migrations that are over, which a source may ask for long afterwards: one that heard `unknown` of
 * a guest that is here would run it, too. So what is known of a guest that came here outlives what the API shows.
 */
export class PastStandings {
  readonly #directory: string;
  readonly #log: Logger;
  readonly #byId = new Map<string, PastStanding>();

  /** @param directory of the journals */
  constructor(directory: string, log: Logger) {
    this.#directory = directory;
    this.#log = log;
  }

  find(id: string): PastStanding | undefined {
    return this.#byId.get(id);
  }

  /** Whether the guest came here: its journal is needed as long as this is known. */
  isOwner(id: string): boolean {
    return this.#byId.get(id)?.phase === 'owner';
  }

  add(id: string, { phase, completed, error, peers }: PastStanding): void {
    this.#byId.set(id, { phase, completed, error, peers });
    const [oldest] = this.#byId.keys();
    if (this.#byId.size <= MOST_KEPT || oldest === undefined) return;
    this.#byId.delete(oldest);
    Journal.delete(this.#directory, oldest).catch((thrown: unknown) => {
      this.#log.error(
        { err: thrown, migration: oldest },
        'the journal of an old migration could not be removed',
      );
    });
  }
}
