import { randomUUID } from 'node:crypto';
import { access } from 'node:fs/promises';
import { Journal, guestSocketPath, type Logger } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import type { SourceConfiguration } from './configuration.js';
import { OutgoingMigration } from './outgoing-migration.js';
import type { OutgoingView } from './outgoing-view.js';
import type { InterruptedMigration } from './recovery.js';
import { refuseContradiction, type MigrationRequest } from './request.js';

/** Migrations that are remembered for the API; of more the oldest that has ended is forgotten. */
const MOST_REMEMBERED = 1000;

/** All outgoing migrations of this agent: those under way, and the latest that ended. */
export class OutgoingMigrations {
  readonly #configuration: SourceConfiguration;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #byId = new Map<string, OutgoingMigration>();
  readonly #running = new Set<Promise<void>>();
  readonly #mostRemembered: number;
  /** Guests whose migration is about to begin. */
  readonly #starting = new Set<string>();

  /** @param signal ends all migrations, those that have been handed over until the agent's next run */
  constructor(
    configuration: SourceConfiguration,
    log: Logger,
    signal: AbortSignal,
    mostRemembered = MOST_REMEMBERED,
  ) {
    this.#mostRemembered = mostRemembered;
    this.#configuration = configuration;
    this.#log = log;
    this.#signal = signal;
  }

  get views(): OutgoingView[] {
    return [...this.#byId.values()].map((migration) => migration.view);
  }

  /** Error: `migration-not-found`. */
  find(id: string): OutgoingMigration {
    const migration = this.#byId.get(id);
    if (migration === undefined) {
      throw new PageferryError(
        'migration-not-found',
        `no migration ${id} has been started since this agent started`,
      );
    }
    return migration;
  }

  /** Starts a migration; it goes on by itself. Errors: `guest-not-found`, `guest-busy`, `journal`. */
  async start(request: MigrationRequest): Promise<OutgoingMigration> {
    this.#signal.throwIfAborted();
    refuseContradiction(request);
    const { guest } = request;
    this.#refuseBusy(guest);
    this.#starting.add(guest);
    try {
      const path = guestSocketPath(this.#configuration.guestDirectory, guest);
      await access(path).catch((cause: unknown) => {
        throw new PageferryError(
          'guest-not-found',
          `there is no guest "${guest}" here: ${path} does not exist`,
          { cause },
        );
      });
      const id = randomUUID();
      const journal = await Journal.open(this.#configuration.stateDirectory, id, { log: this.#log });
      return this.#run(
        new OutgoingMigration({ id, request, configuration: this.#configuration, journal, log: this.#log }),
      );
    } finally {
      this.#starting.delete(guest);
    }
  }

  /** Goes on with what an earlier run of this agent had handed over and not seen the end of. */
  async takeUp(interrupted: readonly InterruptedMigration[]): Promise<void> {
    for (const { id, handOver } of interrupted) {
      const journal = await Journal.open(this.#configuration.stateDirectory, id, { log: this.#log });
      this.#run(
        new OutgoingMigration({
          id,
          request: handOver.request,
          configuration: this.#configuration,
          journal,
          log: this.#log,
          interrupted: handOver,
        }),
      );
    }
  }

  /** Resolves when no migration is under way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  #run(migration: OutgoingMigration): OutgoingMigration {
    this.#forgetOldest();
    this.#byId.set(migration.id, migration);
    const running = migration.run(this.#signal).finally(() => this.#running.delete(running));
    this.#running.add(running);
    return migration;
  }

  #refuseBusy(guest: string): void {
    if (this.#starting.has(guest)) {
      throw new PageferryError('guest-busy', `the guest "${guest}" is about to be migrated`);
    }
    for (const migration of this.#byId.values()) {
      if (migration.isOver || migration.view.guest !== guest) continue;
      throw new PageferryError('guest-busy', `the guest "${guest}" is being migrated: ${migration.id}`);
    }
  }

  #forgetOldest(): void {
    if (this.#byId.size < this.#mostRemembered) return;
    for (const [id, migration] of this.#byId) {
      if (migration.isOver) {
        this.#byId.delete(id);
        return;
      }
    }
  }
}
