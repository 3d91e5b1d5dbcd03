import { Journal, KnownMigrations, type Check, type Logger } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import type { DestinationConfiguration } from './configuration.js';
import type { IncomingDriver } from './drivers/driver.js';
import { readEnded } from './ended-migrations.js';
import type { InterruptedPostcopy } from './incoming-journal.js';
import { IncomingMigration } from './incoming-migration.js';
import type { IncomingView } from './incoming-resource.js';
import { PastStandings } from './past-standings.js';
import { checkDestination } from './readiness.js';
import type { Recovery } from './recovery.js';
import { requireSamePeer, type PeerNames } from './same-peer.js';
import type { SourceConnection } from './source-connection.js';

/** Migrations that have ended and are shown. */
const MOST_REMEMBERED = 1000;

export interface IncomingMigrationsOptions {
  readonly configuration: DestinationConfiguration;
  readonly driver: IncomingDriver;
  readonly log: Logger;
  /** Ends all of them. */
  readonly signal: AbortSignal;
  /** What an earlier run has left. */
  readonly recovery: Recovery;
}

/** All incoming migrations of this agent: those under way, and the latest that ended. */
export class IncomingMigrations {
  readonly #configuration: DestinationConfiguration;
  readonly #driver: IncomingDriver;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #known: KnownMigrations<IncomingView, IncomingMigration>;
  /** Those that count towards the limit. */
  readonly #admitted = new Set<string>();
  /** Those whose journal is being opened. */
  readonly #opening = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  readonly #past: PastStandings;
  readonly #onPageArrived: ((seconds: number) => void)[] = [];

  constructor({ configuration, driver, log, signal, recovery }: IncomingMigrationsOptions) {
    const { stateDirectory: directory } = configuration;
    this.#configuration = configuration;
    this.#driver = driver;
    this.#log = log;
    this.#signal = signal;
    this.#past = new PastStandings(directory, log);
    for (const migration of recovery.ended) this.#past.add(migration.id, migration);
    const mayDelete = (id: string): boolean => !this.#past.isOwner(id);
    this.#known = new KnownMigrations({
      what: 'migration',
      directory,
      mostRemembered: MOST_REMEMBERED,
      log,
      mayDelete,
    });
  }

  /** Those that have ended first. */
  get views(): IncomingView[] {
    return this.#known.views;
  }

  get underway(): IncomingView[] {
    return this.#known.underway.map(({ view }) => view);
  }

  /** Migrations that may be under way at once. */
  get limit(): number {
    return this.#configuration.maxConcurrentMigrations;
  }

  /** Calls `listener` with each migration that has ended. */
  onEnd(listener: (view: IncomingView) => void): void {
    this.#known.onEnd(listener);
  }

  /** Calls `listener` with how long a guest waited for a page that it had asked for, whenever one has come. */
  onPageArrived(listener: (seconds: number) => void): void {
    this.#onPageArrived.push(listener);
  }

  /** Error: `migration-not-found`. */
  view(id: string): IncomingView {
    return this.#known.view(id);
  }

  async checks(): Promise<Check[]> {
    return checkDestination(this.#configuration, this.#driver);
  }

  /** Reads what earlier runs of this agent have left, and takes up guests of this host that lack pages. */
  async takeUp({ interrupted }: Recovery): Promise<void> {
    for (const ended of await readEnded(this.#configuration.stateDirectory)) this.#known.addEnded(ended);
    for (const { id, postcopy } of interrupted) {
      this.#admitted.add(id);
      void this.run(await this.#open(undefined, id, postcopy.peers ?? [], postcopy));
    }
  }

  /**
   * A new migration on a new connection, which is known from now on and has yet to be {@link run}.
   * @throws `request-invalid` for one that would be told apart from another one by nothing; `journal`
   */
  async admit(id: string, connection: SourceConnection, names: PeerNames): Promise<IncomingMigration> {
    this.#signal.throwIfAborted();
    if (
      this.#known.findUnderway(id) !== undefined ||
      this.#opening.has(id) ||
      this.#past.find(id) !== undefined
    ) {
      throw new PageferryError('request-invalid', `the migration ${id} has been here before`);
    }
    return this.#open(connection, id, names);
  }

  /** Resolves when the migration has ended; never rejects. */
  async run(migration: IncomingMigration): Promise<void> {
    const running = migration.run(this.#signal);
    this.#running.add(running);
    await running;
    this.#running.delete(running);
    this.#end(migration);
  }

  /**
   * The source asks what became of a migration, and goes on with it if this host has the guest.
   * @throws `peer-not-trusted` if it is another source than the one that began it
   */
  async resume(id: string, connection: SourceConnection, names: PeerNames): Promise<void> {
    const migration = this.#known.findUnderway(id);
    const past = this.#past.find(id);
    requireSamePeer(id, (migration ?? past)?.peers, names);
    if (migration !== undefined) return migration.reconnect(connection);
    const { phase, completed, error } = past ?? { phase: 'unknown', completed: false };
    await connection.peer.send({ type: 'standing', phase, completed, missing: 0, ...(error && { error }) });
    connection.peer.close();
  }

  /** Resolves when no migration is under way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #open(
    connection: SourceConnection | undefined,
    id: string,
    peers: PeerNames,
    interrupted?: InterruptedPostcopy,
  ): Promise<IncomingMigration> {
    this.#opening.add(id);
    try {
      const journal = await Journal.open(this.#configuration.stateDirectory, id, { log: this.#log });
      const migration = new IncomingMigration(connection, {
        id,
        configuration: this.#configuration,
        driver: this.#driver,
        peers,
        log: this.#log,
        journal,
        pageArrived: (seconds) => {
          for (const listener of this.#onPageArrived) listener(seconds);
        },
        admit: () => {
          this.#admit(id);
        },
        ...(interrupted && { interrupted }),
      });
      this.#known.begin(migration);
      return migration;
    } finally {
      this.#opening.delete(id);
    }
  }

  /** Error: `too-many-migrations`. */
  #admit(id: string): void {
    if (this.#admitted.size >= this.limit) {
      throw new PageferryError(
        'too-many-migrations',
        `${this.limit} migrations come in already, and no more are allowed at once (maxConcurrentMigrations)`,
      );
    }
    this.#admitted.add(id);
  }

  /** One that the agent's next run goes on with is not over. */
  #end(migration: IncomingMigration): void {
    const { id, isOver, isDryRun, peers, standing } = migration;
    this.#admitted.delete(id);
    if (isOver) {
      this.#past.add(id, { ...standing, peers });
      this.#known.end(migration, 0);
    } else if (isDryRun) {
      this.#known.drop(id);
    }
  }
}
