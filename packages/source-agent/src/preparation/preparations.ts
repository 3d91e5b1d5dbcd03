import { randomUUID } from 'node:crypto';
import type { Logger } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import type { OutgoingMigrations } from '../outgoing-migrations.js';
import type { GuestToIndex } from './guest-to-index.js';
import type { FindHint } from './page-hint.js';
import { Preparation, indexBytesOf } from './preparation.js';
import type { PreparationRequest } from './preparation-request.js';
import type { PreparationView } from './preparation-resource.js';
import { startIndexingThread, type StartIndexing } from './start-indexing.js';

const MOST_UNDERWAY = 4;
/** Preparations that are over and are shown. */
const MOST_REMEMBERED = 100;
/** Guests whose monitors are asked at once. */
const ASKED_AT_ONCE = 8;
const MIB = 1024 * 1024;

/** A preparation as a gang uses it. */
export interface UsedPreparation {
  readonly id: string;
  readonly findHint: FindHint;
}

/** All preparations of this agent's run. */
export class Preparations {
  readonly #migrations: Pick<OutgoingMigrations, 'findToIndex' | 'allToMove'>;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #startIndexing: StartIndexing;
  /** In the order of their beginning. */
  readonly #preparations = new Map<string, Preparation>();
  readonly #onEnd: ((view: PreparationView) => void)[] = [];
  /** That are about to begin. */
  #starting = 0;
  /** Processor time of those that are forgotten, ms. */
  #forgottenMs = 0;

  /** @param signal after it no more are begun */
  constructor(
    migrations: Pick<OutgoingMigrations, 'findToIndex' | 'allToMove'>,
    log: Logger,
    signal: AbortSignal,
    startIndexing: StartIndexing = startIndexingThread,
  ) {
    this.#migrations = migrations;
    this.#log = log;
    this.#signal = signal;
    this.#startIndexing = startIndexing;
  }

  get views(): PreparationView[] {
    return [...this.#preparations.values()].map(({ view }) => view);
  }

  /** How many are under way: indexing, or kept up to date. */
  get underwayCount(): number {
    return [...this.#preparations.values()].filter(({ isOver }) => !isOver).length;
  }

  /** Processor time that all of them have taken, ms. */
  get processorMs(): number {
    return [...this.#preparations.values()].reduce(
      (sum, { processorMs }) => sum + processorMs,
      this.#forgottenMs,
    );
  }

  /** Calls `listener` with each one that is over. */
  onEnd(listener: (view: PreparationView) => void): void {
    this.#onEnd.push(listener);
  }

  /** Error: `preparation-not-found`. */
  find(id: string): Preparation {
    const preparation = this.#preparations.get(id);
    if (preparation !== undefined) return preparation;
    throw new PageferryError('preparation-not-found', `no preparation ${id} is known here`);
  }

  /**
   * Begins to index guests; it goes on by itself.
   * @throws `too-many-preparations`; `request-invalid`, if the index would take more memory than is allowed; `guest-not-found`,
   *   `guest-busy`, and what keeps a guest from being read
   */
  async start(request: PreparationRequest): Promise<Preparation> {
    this.#signal.throwIfAborted();
    this.#refuseTooMany();
    this.#starting++;
    try {
      const guests = await this.#findGuests(request);
      refuseTooLarge(guests, request);
      this.#signal.throwIfAborted();
      return this.#begin(request, guests);
    } finally {
      this.#starting--;
    }
  }

  /** Ends one, and forgets it. Error: `preparation-not-found`. */
  async delete(id: string): Promise<void> {
    const preparation = this.find(id);
    await preparation.end();
    this.#forget(preparation);
  }

  /** The newest one that knows all of these guests, for this gang alone; undefined if there is none. */
  use(gang: string, guests: readonly string[]): UsedPreparation | undefined {
    const found = [...this.#preparations.values()].reverse().find((one) => one.serves(guests));
    return found === undefined ? undefined : { id: found.id, findHint: found.use(gang) };
  }

  /** Resolves when none goes on any more. */
  async settled(): Promise<void> {
    await Promise.all([...this.#preparations.values()].map((one) => one.end()));
  }

  async #findGuests({ guests: wanted }: PreparationRequest): Promise<GuestToIndex[]> {
    const names = wanted === 'all' ? await this.#migrations.allToMove() : wanted;
    const guests: GuestToIndex[] = [];
    for (let first = 0; first < names.length; first += ASKED_AT_ONCE) {
      const some = names.slice(first, first + ASKED_AT_ONCE);
      guests.push(...(await Promise.all(some.map((name) => this.#migrations.findToIndex(name)))));
    }
    return guests;
  }

  #begin(request: PreparationRequest, guests: readonly GuestToIndex[]): Preparation {
    const preparation = new Preparation({
      id: randomUUID(),
      request,
      guests,
      startIndexing: this.#startIndexing,
      log: this.#log,
    });
    this.#preparations.set(preparation.id, preparation);
    for (const one of this.#preparations.values()) {
      if (this.#preparations.size <= MOST_REMEMBERED) break;
      if (one.isOver) this.#forget(one);
    }
    preparation.states.onTransition(() => {
      if (!preparation.isOver) return;
      for (const listener of this.#onEnd) listener(preparation.view);
    });
    return preparation;
  }

  #forget(preparation: Preparation): void {
    if (!this.#preparations.delete(preparation.id)) return;
    this.#forgottenMs += preparation.processorMs;
  }

  #refuseTooMany(): void {
    if (this.underwayCount + this.#starting < MOST_UNDERWAY) return;
    throw new PageferryError(
      'too-many-preparations',
      `${MOST_UNDERWAY} preparations are under way, and no more are allowed at once`,
    );
  }
}

function refuseTooLarge(guests: readonly GuestToIndex[], { memoryBytes }: PreparationRequest): void {
  const bytes = indexBytesOf(guests);
  if (bytes <= memoryBytes) return;
  throw new PageferryError(
    'request-invalid',
    `the index of these guests takes ${Math.ceil(bytes / MIB)} MiB, and memoryBytes allows ${Math.floor(memoryBytes / MIB)} MiB: ` +
      'allow more, or prepare fewer guests at once',
  );
}
