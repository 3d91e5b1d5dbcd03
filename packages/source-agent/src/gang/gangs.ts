import { randomUUID } from 'node:crypto';
import { KnownMigrations, type EndedMigration, type Logger } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import type { SourceConfiguration } from '../configuration.js';
import type { OutgoingMigrations } from '../outgoing-migrations.js';
import { refuseContradiction } from '../request.js';
import type { Preparations } from '../preparation/preparations.js';
import type { StreamIdentity } from '../stream-identity.js';
import { Gang } from './gang.js';
import { GangJournal, gangDirectory, readGangs } from './gang-journal.js';
import { memberRequest, type GangRequest } from './gang-request.js';
import type { GangView } from './gang-resource.js';
import { InterruptedGang } from './interrupted-gang.js';
import { SharedRoute } from './shared-route.js';

/** Gangs that are over and are shown. */
const MOST_REMEMBERED = 100;
const MOST_UNDERWAY = 4;

/** Of this agent's guests. */
type GuestMigrations = Pick<OutgoingMigrations, 'views' | 'start' | 'allToMove'>;

/** All gangs of this agent: those under way, and the latest that ended. */
export class Gangs {
  readonly #migrations: GuestMigrations;
  readonly #configuration: SourceConfiguration;
  readonly #identity: StreamIdentity | undefined;
  readonly #preparations: Pick<Preparations, 'use'> | undefined;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #known: KnownMigrations<GangView, Gang>;
  readonly #running = new Set<Promise<void>>();

  constructor(
    migrations: GuestMigrations,
    configuration: SourceConfiguration,
    log: Logger,
    signal: AbortSignal,
    identity?: StreamIdentity,
    preparations?: Pick<Preparations, 'use'>,
  ) {
    this.#migrations = migrations;
    this.#configuration = configuration;
    this.#log = log;
    this.#signal = signal;
    this.#identity = identity;
    this.#preparations = preparations;
    this.#known = new KnownMigrations({
      what: 'gang',
      directory: this.#directory,
      mostRemembered: MOST_REMEMBERED,
      log,
    });
  }

  /** Those that have ended first. */
  get views(): GangView[] {
    return this.#known.views;
  }

  /** How many are under way. */
  get underwayCount(): number {
    return this.#known.underway.length;
  }

  /** Reads what earlier runs of this agent have left of theirs. Error: `journal`. */
  async takeUp(): Promise<void> {
    const find = (wanted: string) => this.#migrations.views.find(({ id }) => id === wanted);
    for (const stored of await readGangs(this.#directory, this.#log)) {
      this.#known.addEnded(stored.ended ?? new InterruptedGang(stored, find));
    }
  }

  /** Calls `listener` with each gang that has ended. */
  onEnd(listener: (view: GangView) => void): void {
    this.#known.onEnd(listener);
  }

  /** Error: `migration-not-found`. */
  view(id: string): GangView {
    return this.#known.view(id);
  }

  ended(id: string): EndedMigration<GangView> | undefined {
    return this.#known.ended(id);
  }

  /** One that is under way. Errors: `migration-not-found`; `migration-state`, if it is over. */
  find(id: string): Gang {
    return this.#known.requireUnderway(id);
  }

  /**
   * Begins to move guests; it goes on by itself.
   * @throws `request-invalid`, `guest-not-found`, `too-many-migrations`, `journal`
   */
  async start(request: GangRequest): Promise<Gang> {
    this.#signal.throwIfAborted();
    refuseContradiction(memberRequest('gang', request));
    const guests = await this.#guestsOf(request);
    if (this.underwayCount >= MOST_UNDERWAY) {
      throw new PageferryError(
        'too-many-migrations',
        `${MOST_UNDERWAY} gangs are under way, and no more are allowed`,
      );
    }
    const { contentBytes } = this.#configuration;
    const id = randomUUID();
    const prepared = request.share ? this.#preparations?.use(id, guests) : undefined;
    const route = new SharedRoute({
      url: request.destination.url,
      identity: this.#identity,
      contentBytes: request.share ? contentBytes : 0,
      findHint: prepared?.findHint,
      signal: this.#signal,
    });
    const gang = new Gang({
      id,
      request,
      guests,
      route,
      preparation: prepared?.id,
      start: (one, onRoute) => this.#migrations.start(one, onRoute),
      log: this.#log,
    });
    this.#known.begin(gang);
    try {
      const journal = await GangJournal.open(this.#directory, gang.view, this.#log);
      const running = this.#run(gang, journal).finally(() => this.#running.delete(running));
      this.#running.add(running);
      return gang;
    } catch (thrown) {
      route.close();
      this.#known.drop(id);
      throw thrown;
    }
  }

  /** Resolves when no gang is under way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #guestsOf({ guests: wanted }: GangRequest): Promise<readonly string[]> {
    return wanted === 'all' ? this.#migrations.allToMove() : wanted;
  }

  /** Never rejects. */
  async #run(gang: Gang, journal: GangJournal): Promise<void> {
    gang.onMigration((guest, migration) => {
      journal.migration(guest, migration);
    });
    await gang.run(this.#signal);
    const { view, feed } = gang;
    this.#known.end(gang, feed.newest);
    // What the agent's end has left open, its next run finds out.
    await (this.#signal.aborted ? journal.close() : journal.end(view, feed.newest));
  }

  get #directory(): string {
    return gangDirectory(this.#configuration.stateDirectory);
  }
}
