import { randomBytes } from 'node:crypto';
import { StateMachine, problemOf, type Logger } from '@pageferry/daemon';
import { PageferryError, asPageferryError } from '@pageferry/errors';
import { LonePages } from '@pageferry/transfer';
import type { GuestToIndex } from './guest-to-index.js';
import type { IndexingMessage } from './indexing-messages.js';
import type { IndexingProgress } from './indexing.js';
import { IndexedPages, sameLayout, type FindHint } from './page-hint.js';
import type { PreparationRequest } from './preparation-request.js';
import type { PreparationView } from './preparation-resource.js';
import { preparationStates, type PreparationState } from './preparation-states.js';
import type { Indexing, StartIndexing } from './start-indexing.js';

const NOT_BEGUN: IndexingProgress = { rounds: 0, lookedAtPages: 0, lonePages: 0, processorMs: 0 };

export interface PreparationOptions {
  readonly id: string;
  readonly request: PreparationRequest;
  readonly guests: readonly GuestToIndex[];
  readonly startIndexing: StartIndexing;
  readonly log: Logger;
}

/** Bytes that the index of these guests takes. */
export function indexBytesOf(guests: readonly GuestToIndex[]): number {
  return LonePages.bytesFor(guests.reduce((sum, { layout }) => sum + layout.capacity, 0));
}

/**
 * Finds out, while they run, what guests have in common that may leave together: which of their pages are worth a look when
 * they do. It goes on until a gang uses it, its time is over, or nobody wants it any more.
 */
export class Preparation {
  readonly id: string;
  readonly states = new StateMachine<PreparationState>(preparationStates, 'indexing');
  readonly #request: PreparationRequest;
  readonly #guests: readonly GuestToIndex[];
  /** Of each guest. */
  readonly #firstPages: readonly number[];
  readonly #lost = new Map<number, string>();
  readonly #log: Logger;
  readonly #startedAt = Date.now();
  readonly #expiry: NodeJS.Timeout;
  readonly #indexBytes: number;
  /** By page of all guests: see `LonePages`. Given away when it is over. */
  #known: Uint8Array | undefined;
  #indexing: Indexing | undefined;
  #stopping: Promise<void> = Promise.resolve();
  #progress = NOT_BEGUN;
  #yields: boolean | undefined;
  #gang: string | undefined;
  #error: PageferryError | undefined;

  constructor({ id, request, guests, startIndexing, log }: PreparationOptions) {
    this.id = id;
    this.#request = request;
    this.#guests = guests;
    this.#log = log.child({ preparation: id });
    this.#indexBytes = indexBytesOf(guests);
    let pages = 0;
    this.#firstPages = guests.map(({ layout }) => {
      const first = pages;
      pages += layout.capacity;
      return first;
    });
    const known = new Uint8Array(new SharedArrayBuffer(pages));
    this.#known = known;
    this.states.onTransition(({ state }) => {
      this.#log.info({ state, ...(this.states.isFinal && { result: this.view }) }, 'preparation state');
    });
    this.#expiry = setTimeout(() => {
      this.#end('expired');
    }, request.lifetimeSeconds * 1000);
    this.#expiry.unref();
    this.#indexing = startIndexing(
      {
        guests: guests.map(({ pid, blocks, layout }, index) => ({
          pid,
          blocks,
          shapes: layout.blocks.map(({ name, length, pageSize }) => ({ name, length, pageSize })),
          firstPage: this.#firstPages[index] ?? 0,
        })),
        known,
        share: request.processorShare / 100,
        secret: randomBytes(4).readInt32LE(),
      },
      {
        said: (message) => {
          this.#take(message);
        },
        failed: (error) => {
          this.#fail(asPageferryError(error));
        },
      },
    );
  }

  get isOver(): boolean {
    return this.states.isFinal;
  }

  /** Processor time that it has taken, ms. */
  get processorMs(): number {
    return this.#progress.processorMs;
  }

  get view(): PreparationView {
    const { rounds, lookedAtPages, lonePages, processorMs } = this.#progress;
    const { processorShare, lifetimeSeconds } = this.#request;
    return {
      id: this.id,
      state: this.states.state,
      guests: this.#guests.map(({ name, layout }, index) => ({
        guest: name,
        bytes: layout.bytes,
        lost: this.#lost.get(index) ?? null,
      })),
      processorShare,
      startedAt: this.#startedAt,
      expiresAt: this.#startedAt + lifetimeSeconds * 1000,
      indexBytes: this.#indexBytes,
      rounds,
      pages: {
        total: this.#guests.reduce((sum, { layout }) => sum + layout.pageCount, 0),
        lookedAt: lookedAtPages,
        lone: lonePages,
      },
      processorMs,
      yields: this.#yields ?? null,
      gang: this.#gang ?? null,
      error: this.#error === undefined ? null : problemOf(this.#error),
    };
  }

  /** Whether a gang of these guests can use it: it must know all of them, or what they have in common is not all known. */
  serves(guests: readonly string[]): boolean {
    if (this.states.state !== 'ready') return false;
    const names = new Set(this.#guests.flatMap(({ name }, index) => (this.#lost.has(index) ? [] : [name])));
    return guests.every((guest) => names.has(guest));
  }

  /** A gang uses it from now on, and nobody after it. Looking ends: the gang needs the processors. */
  use(gang: string): FindHint {
    const known = this.#known;
    this.#gang = gang;
    this.#end('used');
    return ({ name, identity, layout }) => {
      const index = this.#guests.findIndex((guest) => guest.name === name);
      const guest = this.#guests[index];
      if (known === undefined || guest === undefined || this.#lost.has(index)) return undefined;
      if (guest.identity !== identity || !sameLayout(guest.layout, layout)) return undefined;
      const first = this.#firstPages[index] ?? 0;
      return new IndexedPages(known.subarray(first, first + layout.capacity));
    };
  }

  /** Nobody wants it any more. Resolves when nothing of it goes on. */
  async end(): Promise<void> {
    if (!this.isOver) this.#end('ended');
    await this.#stopping;
  }

  #take(message: IndexingMessage): void {
    switch (message.kind) {
      case 'begun':
        this.#yields = message.yields;
        if (!message.yields)
          this.#log.warn(
            'the indexing has no lower priority than the guests: it keeps to its share of time alone',
          );
        return;
      case 'progress':
        this.#progress = message.progress;
        if (message.progress.rounds > 0 && this.states.state === 'indexing') this.states.transition('ready');
        return;
      case 'lost':
        this.#lost.set(message.guest, message.reason);
        this.#log.info(
          { guest: this.#guests[message.guest]?.name, reason: message.reason },
          'a guest is not indexed any more',
        );
        return;
      case 'over':
        this.#fail(new PageferryError('memory-unreadable', 'none of these guests can be read any more'));
        return;
    }
  }

  #fail(error: PageferryError): void {
    if (this.isOver) return;
    this.#error = error.on('source');
    this.#log.warn({ err: error }, 'the preparation has failed');
    this.#end('failed');
  }

  #end(state: 'used' | 'expired' | 'ended' | 'failed'): void {
    clearTimeout(this.#expiry);
    this.#known = undefined;
    this.#stopping = this.#indexing?.stop() ?? this.#stopping;
    this.#indexing = undefined;
    this.states.transition(state);
  }
}
