import { randomUUID } from 'node:crypto';
import { Journal, KnownMigrations, type Check, type EndedMigration, type Logger } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import type { SourceConfiguration } from './configuration.js';
import { readEnded } from './ended-migrations.js';
import { inspectGuest, type InspectionView } from './inspect-guest.js';
import { listGuests, type GuestView } from './guest-list.js';
import { findGuest } from './guest-monitor.js';
import { OutgoingMigration } from './outgoing-migration.js';
import type { InterruptedHandOver } from './outgoing-journal.js';
import type { OutgoingView } from './outgoing-resource.js';
import { createKnownGuests } from './page-filter/known-guests.js';
import { findGuestToIndex, type GuestToIndex } from './preparation/guest-to-index.js';
import { runPreflight, type DryRun } from './preflight.js';
import { checkSource } from './readiness.js';
import type { InterruptedMigration } from './recovery.js';
import { refuseContradiction, type MigrationRequest } from './request.js';
import { OwnRoute, type Route } from './route.js';
import type { StreamIdentity } from './stream-identity.js';

const MOST_REMEMBERED = 1000;

export interface OutgoingMigrationsOptions {
  /** Migrations that have ended; of more the oldest are forgotten. */
  readonly mostRemembered?: number;
  /** How this host proves itself to destinations. */
  readonly identity?: StreamIdentity | undefined;
}

/** All outgoing migrations of this agent: those under way, and the latest that ended. */
export class OutgoingMigrations {
  readonly #configuration: SourceConfiguration;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #identity: StreamIdentity | undefined;
  readonly #knownGuests = createKnownGuests();
  readonly #known: KnownMigrations<OutgoingView, OutgoingMigration>;
  readonly #running = new Set<Promise<void>>();
  /** Guests whose migration is about to begin. */
  readonly #starting = new Set<string>();
  /** Guests whose QEMU is asked something for a moment. */
  readonly #asked = new Set<string>();
  #listing: Promise<GuestView[]> | undefined;

  /** @param signal ends all migrations, those that have been handed over until the agent's next run */
  constructor(
    configuration: SourceConfiguration,
    log: Logger,
    signal: AbortSignal,
    { mostRemembered = MOST_REMEMBERED, identity }: OutgoingMigrationsOptions = {},
  ) {
    this.#configuration = configuration;
    this.#log = log;
    this.#signal = signal;
    this.#identity = identity;
    const { stateDirectory: directory } = configuration;
    this.#known = new KnownMigrations({ what: 'migration', directory, mostRemembered, log });
  }

  /** Those that have ended first. */
  get views(): OutgoingView[] {
    return this.#known.views;
  }

  get underway(): OutgoingView[] {
    return this.#known.underway.map(({ view }) => view);
  }

  /** Migrations that may be under way at once. */
  get limit(): number {
    return this.#configuration.maxConcurrentMigrations;
  }

  /** Calls `listener` with each migration that has ended. */
  onEnd(listener: (view: OutgoingView) => void): void {
    this.#known.onEnd(listener);
  }

  /** Error: `migration-not-found`. */
  view(id: string): OutgoingView {
    return this.#known.view(id);
  }

  ended(id: string): EndedMigration<OutgoingView> | undefined {
    return this.#known.ended(id);
  }

  /** One that is under way. Errors: `migration-not-found`; `migration-state`, if it is over. */
  find(id: string): OutgoingMigration {
    return this.#known.requireUnderway(id);
  }

  /** Forgets one that is over. Errors: `migration-not-found`; `migration-state`, if it is not; `journal`. */
  async delete(id: string): Promise<void> {
    await this.#known.delete(id);
  }

  /**
   * Starts a migration; it goes on by itself.
   * @param route that it shares with others
   * @throws `guest-not-found`, `guest-busy`, `too-many-migrations`, `request-invalid`, `journal`
   */
  async start(request: MigrationRequest, route?: Route): Promise<OutgoingMigration> {
    this.#signal.throwIfAborted();
    refuseContradiction(request);
    const { guest } = request;
    this.#refuseBusy(guest);
    this.#refuseTooMany();
    this.#starting.add(guest);
    try {
      await findGuest(this.#configuration, guest, { signal: this.#signal });
      return await this.#open(randomUUID(), request, route ?? this.#ownRoute(request));
    } finally {
      this.#starting.delete(guest);
    }
  }

  /** What would become of a migration. Errors: as {@link start}, and what keeps the two sides from being compared. */
  async examine(request: MigrationRequest): Promise<DryRun> {
    this.#signal.throwIfAborted();
    refuseContradiction(request);
    const { guest } = request;
    return this.#ask(guest, async () => {
      await findGuest(this.#configuration, guest, { signal: this.#signal });
      return runPreflight({
        request,
        configuration: this.#configuration,
        knownGuests: this.#knownGuests,
        identity: this.#identity,
        log: this.#log,
        signal: this.#signal,
      });
    });
  }

  /** The guests of this host; those that ask at the same time get the same answer. */
  async guests(): Promise<GuestView[]> {
    this.#listing ??= listGuests(this.#configuration, (name) => this.#whyBusy(name), this.#signal).finally(
      () => {
        this.#listing = undefined;
      },
    );
    return this.#listing;
  }

  /** Names of the guests of this host that can be migrated. Error: `guest-not-found`, if there is none. */
  async allToMove(): Promise<string[]> {
    const guests = (await this.guests()).filter(({ migratable }) => migratable);
    if (guests.length > 0) return guests.map(({ name }) => name);
    throw new PageferryError(
      'guest-not-found',
      'no guest of this host can be migrated: GET /v1/guests says why',
    );
  }

  /** Finds out where a guest's memory is. Errors: `guest-not-found`, `guest-busy`, and what keeps it from being read. */
  async findToIndex(guest: string): Promise<GuestToIndex> {
    this.#signal.throwIfAborted();
    return this.#ask(guest, () => findGuestToIndex(this.#configuration, guest, this.#signal));
  }

  /** Looks into a guest's memory. Errors: `guest-not-found`, `guest-busy`, and what keeps it from being read. */
  async inspect(guest: string): Promise<InspectionView> {
    this.#signal.throwIfAborted();
    return this.#ask(guest, () => inspectGuest(this.#configuration, guest, this.#knownGuests, this.#signal));
  }

  async checks(): Promise<Check[]> {
    return checkSource(this.#configuration);
  }

  /**
   * Reads what earlier runs of this agent have left, and goes on with what they had handed over and not seen the end of.
   */
  async takeUp(interrupted: readonly InterruptedMigration[]): Promise<void> {
    for (const ended of await readEnded(this.#configuration.stateDirectory, this.#log))
      this.#known.addEnded(ended);
    for (const { id, handOver } of interrupted)
      await this.#open(id, handOver.request, this.#ownRoute(handOver.request), handOver);
  }

  /** Resolves when no migration is under way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #open(
    id: string,
    request: MigrationRequest,
    route: Route,
    interrupted?: InterruptedHandOver,
  ): Promise<OutgoingMigration> {
    const journal = await Journal.open(this.#configuration.stateDirectory, id, { log: this.#log });
    const migration = new OutgoingMigration({
      id,
      request,
      configuration: this.#configuration,
      knownGuests: this.#knownGuests,
      journal,
      log: this.#log,
      route,
      ...(interrupted && { interrupted }),
    });
    this.#known.begin(migration);
    const running = migration.run(this.#signal).then(() => {
      this.#running.delete(running);
      this.#end(migration);
    });
    this.#running.add(running);
    return migration;
  }

  #ownRoute({ destination }: MigrationRequest): Route {
    return new OwnRoute(destination.url, this.#identity);
  }

  /** One that the agent's next run goes on with is not over. */
  #end(migration: OutgoingMigration): void {
    if (migration.isOver) this.#known.end(migration, migration.feed.newest);
  }

  /** Keeps others from the guest's monitor meanwhile. Error: `guest-busy`. */
  async #ask<T>(guest: string, work: () => Promise<T>): Promise<T> {
    this.#refuseBusy(guest);
    this.#asked.add(guest);
    try {
      return await work();
    } finally {
      this.#asked.delete(guest);
    }
  }

  #refuseBusy(guest: string): void {
    const why = this.#whyBusy(guest);
    if (why !== undefined) throw new PageferryError('guest-busy', why);
  }

  /** Why QEMU's monitor, which serves one client at a time, is not to be asked. */
  #whyBusy(guest: string): string | undefined {
    if (this.#starting.has(guest)) return `the guest "${guest}" is about to be migrated`;
    if (this.#asked.has(guest)) return `the guest "${guest}" is being looked at by another request`;
    for (const migration of this.#known.underway) {
      if (!migration.isOver && migration.guestName === guest)
        return `the guest "${guest}" is being migrated: ${migration.id}`;
    }
    return undefined;
  }

  #refuseTooMany(): void {
    const underway = this.#known.underway.filter(({ isOver }) => !isOver).length;
    if (underway + this.#starting.size < this.limit) return;
    throw new PageferryError(
      'too-many-migrations',
      `${this.limit} migrations are under way, and no more are allowed at once (maxConcurrentMigrations)`,
    );
  }
}
