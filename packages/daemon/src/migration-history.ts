import { Journal } from './journal.js';
import type { Logger } from './log.js';

/** A migration that has ended. */
export interface EndedMigration<View> {
  /** What the API shows of it. */
  readonly view: View;
  /** How many events its feed had. */
  readonly events: number;
}

export interface MigrationHistoryOptions {
  /** Of the journals. */
  readonly directory: string;
  /** Of more the oldest are forgotten. */
  readonly mostRemembered: number;
  readonly log: Logger;
  /** Whether the journal of a forgotten one may go, too; it may if not given. */
  readonly mayDelete?: (id: string) => boolean;
}

/** The migrations that have ended, the newest 1000 or so, and their journals on disk. */
export class MigrationHistory<View extends { readonly id: string }> {
  readonly #options: MigrationHistoryOptions;
  readonly #byId = new Map<string, EndedMigration<View>>();

  constructor(options: MigrationHistoryOptions) {
    this.#options = options;
  }

  get views(): View[] {
    return [...this.#byId.values()].map(({ view }) => view);
  }

  find(id: string): EndedMigration<View> | undefined {
    return this.#byId.get(id);
  }

  /** Takes one that has ended after all others. */
  add(ended: EndedMigration<View>): void {
    this.#byId.set(ended.view.id, ended);
    const [oldest] = this.#byId.keys();
    if (this.#byId.size <= this.#options.mostRemembered || oldest === undefined) return;
    const { directory, log, mayDelete } = this.#options;
    this.#byId.delete(oldest);
    if (mayDelete?.(oldest) === false) return;
    Journal.delete(directory, oldest).catch((thrown: unknown) => {
      log.error({ err: thrown, migration: oldest }, 'the journal of an old migration could not be removed');
    });
  }

  /** Forgets it, and deletes its journal. Error: `journal`. */
  async delete(id: string): Promise<void> {
    await Journal.delete(this.#options.directory, id);
    this.#byId.delete(id);
  }
}
