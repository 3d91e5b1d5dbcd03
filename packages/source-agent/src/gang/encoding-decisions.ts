import type { Logger } from '@pageferry/daemon';
import type { GangContents } from '../known-contents.js';

/** Says in the log when looking for what guests have in common begins to pay, and when it ceases to. */
export class EncodingDecisions {
  readonly #log: Logger;
  /** By encoding: what was said last. */
  readonly #paid = new Map<string, boolean>();

  constructor(log: Logger) {
    this.#log = log;
  }

  look({ lookUpGain, patchGain }: Pick<GangContents, 'lookUpGain' | 'patchGain'>): void {
    for (const [encoding, { standing }] of [
      ['reference', lookUpGain] as const,
      ['patch', patchGain] as const,
    ]) {
      const { pays, sparedShare, msPerPage, linkBytesPerSecond } = standing;
      if ((this.#paid.get(encoding) ?? true) === pays) continue;
      this.#paid.set(encoding, pays);
      const message = pays ? 'an encoding pays' : 'an encoding does not pay: it is tried now and then';
      this.#log.info({ encoding, sparedShare, msPerPage, linkBytesPerSecond }, message);
    }
  }
}
