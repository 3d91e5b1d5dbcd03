import { Journal, type Logger } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import type { PeerConnection } from '@pageferry/link';
import type { DestinationConfiguration } from './configuration.js';
import type { InterruptedPostcopy } from './incoming-journal.js';
import { IncomingMigration } from './incoming-migration.js';
import type { IncomingView } from './incoming-view.js';
import type { RecoveredMigration, Recovery } from './recovery.js';

/** Finished migrations that are remembered for the API. */
const MAX_REMEMBERED = 1000;

/** All incoming migrations of this agent: those under way, and the latest that ended. */
export class IncomingMigrations {
  readonly #configuration: DestinationConfiguration;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #byId = new Map<string, IncomingMigration>();
  /** Those whose journal is being opened. */
  readonly #opening = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  /** What earlier runs of this agent left, by the journals. */
  readonly #recovered: ReadonlyMap<string, RecoveredMigration>;

  constructor(
    configuration: DestinationConfiguration,
    log: Logger,
    signal: AbortSignal,
    { ended }: Recovery,
  ) {
    this.#configuration = configuration;
    this.#log = log;
    this.#signal = signal;
    this.#recovered = new Map(ended.map((migration) => [migration.id, migration]));
  }

  get views(): IncomingView[] {
    return [...this.#byId.values()].map((migration) => migration.view);
  }

  view(id: string): IncomingView {
    const migration = this.#byId.get(id);
    if (migration === undefined) {
      throw new PageferryError(
        'migration-not-found',
        `no migration ${id} has come in since this agent started`,
      );
    }
    return migration.view;
  }

  /** Takes up what an earlier run of this agent left: guests of this host that lack pages. */
  async takeUp({ interrupted }: Recovery): Promise<void> {
    for (const { id, postcopy } of interrupted) {
      void this.run(await this.#open(undefined, id, postcopy));
    }
  }

  /**
   * A new migration on a new connection, which is known from now on and has yet to be {@link run}.
   * @throws `request-invalid` for one that would be told apart from another one by nothing; `journal`
   */
  async admit(id: string, peer: PeerConnection): Promise<IncomingMigration> {
    this.#signal.throwIfAborted();
    if (this.#byId.has(id) || this.#opening.has(id) || this.#recovered.has(id)) {
      throw new PageferryError('request-invalid', `the migration ${id} has been here before`);
    }
    return this.#open(peer, id);
  }

  /** Resolves when the migration has ended; never rejects. */
  async run(migration: IncomingMigration): Promise<void> {
    const running = migration.run(this.#signal);
    this.#running.add(running);
    await running;
    this.#running.delete(running);
  }

  /** The source asks what became of a migration, and goes on with it if this host has the guest. */
  async resume(id: string, peer: PeerConnection): Promise<void> {
    const migration = this.#byId.get(id);
    if (migration !== undefined) return migration.reconnect(peer);
    const recovered = this.#recovered.get(id);
    await peer.send({
      type: 'standing',
      phase: recovered?.phase ?? 'unknown',
      completed: recovered?.completed ?? false,
      missing: 0,
    });
    peer.close();
  }

  /** Resolves when no migration is under way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #open(
    peer: PeerConnection | undefined,
    id: string,
    interrupted?: InterruptedPostcopy,
  ): Promise<IncomingMigration> {
    this.#opening.add(id);
    try {
      const journal = await Journal.open(this.#configuration.stateDirectory, id, { log: this.#log });
      this.#forgetOldest();
      const migration = new IncomingMigration(peer, {
        id,
        configuration: this.#configuration,
        log: this.#log,
        journal,
        ...(interrupted && { interrupted }),
      });
      this.#byId.set(id, migration);
      return migration;
    } finally {
      this.#opening.delete(id);
    }
  }

  #forgetOldest(): void {
    if (this.#byId.size < MAX_REMEMBERED) return;
    for (const [id, { view }] of this.#byId) {
      if (['completed', 'cancelled', 'failed'].includes(view.state)) {
        this.#byId.delete(id);
        return;
      }
    }
  }
}
