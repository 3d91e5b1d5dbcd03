import type { StateEntry, TransitionTable } from '@pageferry/daemon';

/** States of an incoming migration, with QEMU's names (qapi/migration.json, `MigrationStatus`). */
export type IncomingState =
  | 'setup'
  | 'active'
  | 'device'
  | 'postcopy-active'
  | 'postcopy-paused'
  | 'postcopy-recover'
  | 'completed'
  | 'cancelled'
  | 'failed';

export const incomingStates: TransitionTable<IncomingState> = {
  setup: ['active', 'cancelled', 'failed'],
  active: ['device', 'cancelled', 'failed'],
  // Completed at once by pre-copy.
  device: ['postcopy-active', 'completed', 'cancelled', 'failed'],
  'postcopy-active': ['postcopy-paused', 'completed', 'failed'],
  'postcopy-paused': ['postcopy-recover', 'failed'],
  'postcopy-recover': ['postcopy-active', 'postcopy-paused', 'failed'],
  completed: [],
  cancelled: [],
  failed: [],
};

export type IncomingHistory = readonly StateEntry<IncomingState>[];
