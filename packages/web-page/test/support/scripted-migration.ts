import { EventFeed, type FeedEvent } from '@pageferry/daemon';
import type { PageferryError } from '@pageferry/errors';
import type { SteeredMigration } from '../../../source-agent/src/api/served-migrations.js';
import type { OutgoingView } from '../../../source-agent/src/outgoing-resource.js';

export const startedAt = Date.UTC(2026, 0, 2, 10);
const MEBIBYTE = 1 << 20;
const PAGES_A_MEBIBYTE = 256;

/** Pre-copy of 1 GiB at 1 Gb/s, each iteration bringing the rest down to a third. */
export function iterationTable(count: number): OutgoingView['iterationTable'] {
  return Array.from({ length: count }, (_, index) => {
    const begun = 1024 / 3 ** index;
    return {
      number: index + 1,
      durationMs: begun * 8,
      dirtiedPages: Math.round((begun * PAGES_A_MEBIBYTE) / 3),
      sentPages: Math.round(begun * PAGES_A_MEBIBYTE),
      skippedPages: 0,
      sentBytes: begun * MEBIBYTE,
      bandwidth: index === 0 ? null : 131_000_000,
      accumulatedRate: 40_000_000,
      remainingPages: Math.round((begun * PAGES_A_MEBIBYTE) / 3),
    };
  });
}

/** A migration in the middle of pre-copy. */
export function viewOf(change: Partial<OutgoingView> = {}): OutgoingView {
  return {
    id: '6f1c',
    guest: 'web1',
    destination: { url: 'wss://host2.example:7411', guest: 'web1' },
    mode: 'hybrid',
    state: 'active',
    history: [
      { state: 'setup', at: startedAt },
      { state: 'active', at: startedAt + 120 },
    ],
    startedAt,
    totalMs: 11_000,
    downtimeMs: null,
    downtime: null,
    iterations: 2,
    iterationTable: iterationTable(2),
    memory: { bytes: 1024 * MEBIBYTE, pages: 1024 * PAGES_A_MEBIBYTE },
    remainingPages: 29_127,
    downtimeLimitMs: 300,
    timeLimitMs: 3_600_000,
    whenStalled: 'postcopy',
    bandwidthCaps: { precopy: 0, postcopy: 125_000_000 },
    pages: {
      normal: 201_000,
      reference: 0,
      patch: 0,
      compressed: 90_210,
      delta: 12_044,
      unchanged: 310,
      zero: 61_800,
      requested: 0,
      pushed: 0,
    },
    pageFilter: null,
    storage: null,
    bytes: { sent: 1_431_655_765 },
    bandwidth: 131_000_000,
    dirtyRate: 40_000_000,
    error: null,
    ...change,
  };
}

/** The same one after it has arrived. */
export function completedView(change: Partial<OutgoingView> = {}): OutgoingView {
  return viewOf({
    state: 'completed',
    history: [
      { state: 'setup', at: startedAt },
      { state: 'active', at: startedAt + 120 },
      { state: 'pre-switchover', at: startedAt + 12_380 },
      { state: 'device', at: startedAt + 12_401 },
      { state: 'completed', at: startedAt + 12_520 },
    ],
    totalMs: 12_520,
    downtimeMs: 61.4,
    downtime: {
      stop: 3.1,
      deviceState: 8.7,
      lastPages: 21.9,
      load: 17.2,
      journal: 4.4,
      resume: 2.3,
      rest: 3.8,
    },
    iterations: 7,
    iterationTable: iterationTable(7),
    remainingPages: 0,
    ...change,
  });
}

class CountedFeed extends EventFeed {
  count = 0;

  override listen(listener: { take: (event: FeedEvent) => void; end: () => void }): () => void {
    this.count++;
    return super.listen(listener);
  }
}

/** A migration under way that does nothing but what a test has it do. */
export class ScriptedMigration implements SteeredMigration {
  readonly id: string;
  readonly feed = new CountedFeed();
  readonly calls: unknown[] = [];
  refusal: PageferryError | undefined;
  #view: OutgoingView;

  constructor(view: OutgoingView) {
    this.id = view.id;
    this.#view = view;
  }

  get view(): OutgoingView {
    return this.#view;
  }

  /** Those who follow it. */
  get listeners(): number {
    return this.feed.count;
  }

  /** Goes on, and tells those who follow it. */
  becomes(change: Partial<OutgoingView>, event: 'state' | 'progress' = 'progress'): void {
    this.#view = { ...this.#view, ...change };
    const iterationTable = change.iterationTable ?? [];
    this.feed.publish(event, () => ({ ...this.#view, iterationTable }));
  }

  cancel(): void {
    this.#called('cancel');
  }

  forceSwitchOver(by?: string): void {
    this.#called('switchover', by);
  }

  recover(): void {
    this.#called('recover');
  }

  change(change: unknown): void {
    this.#called('change', change);
  }

  #called(...what: unknown[]): void {
    if (this.refusal !== undefined) throw this.refusal;
    this.calls.push(what);
  }
}
