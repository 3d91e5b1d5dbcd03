import type { Logger, StateMachine } from '@pageferry/daemon';
import type { SourceConfiguration } from './configuration.js';
import type { DestinationLink } from './destination-link.js';
import type { OutgoingJournal } from './outgoing-journal.js';
import type { KnownGuests } from './page-filter/known-guests.js';
import type { Progress } from './progress.js';
import type { MigrationRequest } from './request.js';
import type { Route } from './route.js';
import type { OutgoingState } from './states.js';
import type { Steering } from './steering.js';

/** What the steps of one migration share. */
export interface OutgoingContext {
  readonly request: MigrationRequest;
  /** What of the request may change meanwhile, as it is now. */
  readonly steering: Steering;
  readonly configuration: SourceConfiguration;
  readonly knownGuests: KnownGuests;
  readonly states: StateMachine<OutgoingState>;
  readonly journal: OutgoingJournal;
  readonly link: DestinationLink;
  readonly route: Route;
  readonly progress: Progress;
  readonly log: Logger;
  /** Of this migration alone, for what the agent and QEMU exchange; removed at its end. */
  readonly directory: string;
  /** Aborted when the migration must end: cancelled, or without its QEMU, its destination or its agent. */
  readonly signal: AbortSignal;
}

/** The waiting QEMU's name on the destination. */
export function guestThere({ destination, guest }: MigrationRequest): string {
  return destination.guest ?? guest;
}
