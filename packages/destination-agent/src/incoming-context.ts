import type { Logger, StateMachine } from '@pageferry/daemon';
import type { PageferryError } from '@pageferry/errors';
import type { DestinationConfiguration } from './configuration.js';
import type { IncomingDriver } from './drivers/driver.js';
import type { IncomingJournal } from './incoming-journal.js';
import type { PeerNames } from './same-peer.js';
import type { SourceLink } from './source-link.js';
import type { IncomingState } from './states.js';

/** What the steps of one migration share. */
export interface IncomingContext {
  readonly configuration: DestinationConfiguration;
  readonly driver: IncomingDriver;
  /** Of the source that began it. */
  readonly peers: PeerNames;
  readonly states: StateMachine<IncomingState>;
  readonly journal: IncomingJournal;
  readonly link: SourceLink;
  readonly log: Logger;
  /** Hears how long the guest waited for a page that it had asked for, seconds. */
  readonly pageArrived: (seconds: number) => void;
  /** Of this migration alone, for what the agent and QEMU exchange; removed at its end. */
  readonly directory: string;
  /** Where the QMP connection is found if this agent dies; see `MonitorKeeper`. */
  readonly keeper: string;
  /** Aborted when the migration must end: without its QEMU, or without its agent. */
  readonly signal: AbortSignal;
  /** Aborts the signal. */
  readonly abort: (reason: PageferryError) => void;
}

/** The source compares machines and sets its dirty log up in between, ms. */
export const NEXT_STEP_TIMEOUT_MS = 60_000;
/** Pre-copy of a large guest over a slow link takes long; a source that is gone is noticed by its silence, ms. */
export const ROUNDS_TIMEOUT_MS = 7 * 24 * 3_600_000;
