import type { Check, EndedMigration } from '@pageferry/daemon';
import type { GuestView } from '../guest-list.js';
import type { InspectionView } from '../inspect-guest.js';
import type { OutgoingMigration } from '../outgoing-migration.js';
import type { OutgoingView } from '../outgoing-resource.js';
import type { DryRun } from '../preflight.js';
import type { MigrationRequest } from '../request.js';

export type SteeredMigration = Pick<
  OutgoingMigration,
  'id' | 'view' | 'feed' | 'cancel' | 'forceSwitchOver' | 'change' | 'recover'
>;

/** What the API serves: see `OutgoingMigrations`. */
export interface ServedMigrations {
  readonly views: readonly OutgoingView[];
  readonly underway: readonly OutgoingView[];
  readonly limit: number;
  readonly view: (id: string) => OutgoingView;
  readonly find: (id: string) => SteeredMigration;
  readonly ended: (id: string) => EndedMigration<OutgoingView> | undefined;
  readonly start: (request: MigrationRequest) => Promise<SteeredMigration>;
  readonly examine: (request: MigrationRequest) => Promise<DryRun>;
  readonly delete: (id: string) => Promise<void>;
  readonly inspect: (guest: string) => Promise<InspectionView>;
  readonly guests: () => Promise<GuestView[]>;
  readonly checks: () => Promise<readonly Check[]>;
  readonly onEnd: (listener: (view: OutgoingView) => void) => void;
}
