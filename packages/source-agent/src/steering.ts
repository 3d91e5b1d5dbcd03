import { PageferryError } from '@pageferry/errors';
import {
  NO_CAPS,
  whenStalled,
  type BandwidthCaps,
  type MigrationChange,
  type MigrationRequest,
  type SwitchOverWith,
  type WhenStalled,
} from './request.js';

/** What of a migration's request may change while it runs, as it is now. */
export class Steering {
  readonly #mode: MigrationRequest['mode'];
  #bandwidthCaps: BandwidthCaps;
  #downtimeLimitMs: number;
  #timeLimitMs: number;
  #whenStalled: WhenStalled;
  #switchOver: SwitchOverWith | 'either' | undefined;

  constructor(request: MigrationRequest) {
    this.#mode = request.mode;
    this.#bandwidthCaps = { ...NO_CAPS, ...request.bandwidthCaps };
    this.#downtimeLimitMs = request.downtimeLimitMs;
    this.#timeLimitMs = request.timeLimitMs;
    this.#whenStalled = whenStalled(request);
  }

  /** Bytes a second; 0 for no limit. */
  get bandwidthCaps(): BandwidthCaps {
    return this.#bandwidthCaps;
  }

  get downtimeLimitMs(): number {
    return this.#downtimeLimitMs;
  }

  get timeLimitMs(): number {
    return this.#timeLimitMs;
  }

  get whenStalled(): WhenStalled {
    return this.#whenStalled;
  }

  /** How the operator wants the guest to be stopped now; undefined if not at all. */
  get switchOver(): SwitchOverWith | 'either' | undefined {
    return this.#switchOver;
  }

  /** Error: `request-invalid`; nothing is changed then. */
  change({ bandwidthCaps, downtimeLimitMs, timeLimitMs, whenStalled: stalled }: MigrationChange): void {
    if (stalled !== undefined) this.#refuseTurn(stalled);
    this.#bandwidthCaps = { ...this.#bandwidthCaps, ...bandwidthCaps };
    this.#downtimeLimitMs = downtimeLimitMs ?? this.#downtimeLimitMs;
    this.#timeLimitMs = timeLimitMs ?? this.#timeLimitMs;
    this.#whenStalled = stalled ?? this.#whenStalled;
  }

  /** Error: `request-invalid`, for what the mode does not allow. */
  forceSwitchOver(by: SwitchOverWith | undefined): void {
    if (by === 'postcopy' && this.#mode === 'precopy') {
      throw new PageferryError(
        'request-invalid',
        'the destination was not prepared for post-copy: the mode is precopy',
      );
    }
    if (by === 'stop' && this.#mode === 'postcopy') {
      throw new PageferryError('request-invalid', 'in the mode postcopy the rest goes by post-copy');
    }
    this.#switchOver = by ?? 'either';
  }

  #refuseTurn(stalled: WhenStalled): void {
    if (stalled === 'postcopy' && this.#mode !== 'hybrid') {
      throw new PageferryError('request-invalid', `post-copy cannot follow in the mode ${this.#mode}`);
    }
  }
}
