import { randomUUID } from 'node:crypto';
import type { Logger } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import type { SourceConfiguration } from '../configuration.js';
import type { OutgoingMigrations } from '../outgoing-migrations.js';
import { refuseContradiction } from '../request.js';
import type { Preparations } from '../preparation/preparations.js';
import type { StreamIdentity } from '../stream-identity.js';
import { Gang } from './gang.js';
import { memberRequest, type GangRequest } from './gang-request.js';
import type { GangView } from './gang-resource.js';
import { SharedRoute } from './shared-route.js';

/** Gangs that are over and are shown. */
const MOST_REMEMBERED = 100;
const MOST_UNDERWAY = 4;

/** All gangs of this agent's run; what becomes of their guests, the migrations and their journals say beyond it. */
export class Gangs {
  readonly #migrations: OutgoingMigrations;
  readonly #configuration: SourceConfiguration;
  readonly #identity: StreamIdentity | undefined;
  readonly #preparations: Pick<Preparations, 'use'> | undefined;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  /** In the order of their beginning. */
  readonly #gangs = new Map<string, Gang>();
  readonly #running = new Set<Promise<void>>();
  readonly #onEnd: ((view: GangView) => void)[] = [];

  constructor(
    migrations: OutgoingMigrations,
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
  }

  get views(): GangView[] {
    return [...this.#gangs.values()].map(({ view }) => view);
  }

  /** How many are under way. */
  get underwayCount(): number {
    return [...this.#gangs.values()].filter(({ isOver }) => !isOver).length;
  }

  /** Calls `listener` with each gang that has ended. */
  onEnd(listener: (view: GangView) => void): void {
    this.#onEnd.push(listener);
  }

  /** Error: `migration-not-found`. */
  find(id: string): Gang {
    const gang = this.#gangs.get(id);
    if (gang === undefined) throw new PageferryError('migration-not-found', `no gang ${id} is known here`);
    return gang;
  }

  /**
   * Begins to move guests; it goes on by itself.
   * @throws `request-invalid`, `guest-not-found`, `too-many-migrations`
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
    const gang = new Gang({
      id,
      request,
      guests,
      route: new SharedRoute({
        url: request.destination.url,
        identity: this.#identity,
        contentBytes: request.share ? contentBytes : 0,
        findHint: prepared?.findHint,
        signal: this.#signal,
      }),
      preparation: prepared?.id,
      start: (one, route) => this.#migrations.start(one, route),
      log: this.#log,
    });
    this.#add(gang);
    const running = gang.run(this.#signal).then(() => {
      this.#running.delete(running);
      for (const listener of this.#onEnd) listener(gang.view);
    });
    this.#running.add(running);
    return gang;
  }

  /** Resolves when no gang is under way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #guestsOf({ guests: wanted }: GangRequest): Promise<readonly string[]> {
    return wanted === 'all' ? this.#migrations.allToMove() : wanted;
  }

  #add(gang: Gang): void {
    this.#gangs.set(gang.id, gang);
    for (const [id, { isOver }] of this.#gangs) {
      if (this.#gangs.size <= MOST_REMEMBERED) return;
      if (isOver) this.#gangs.delete(id);
    }
  }
}
