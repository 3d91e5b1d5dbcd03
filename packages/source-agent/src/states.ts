import type { StateEntry, TransitionTable } from '@pageferry/daemon';

/** States of an outgoing migration, with QEMU's names (qapi/migration.json, `MigrationStatus`). */
export type OutgoingState =
  | 'setup'
  | 'active'
  | 'pre-switchover'
  | 'device'
  | 'postcopy-active'
  | 'postcopy-paused'
  | 'postcopy-recover'
  | 'completed'
  | 'cancelling'
  | 'cancelled'
  | 'failed';

/** Until `device` ends the guest belongs to this host, and every failure leaves it running here. */
export const outgoingStates: TransitionTable<OutgoingState> = {
  setup: ['active', 'cancelling', 'failed'],
  active: ['pre-switchover', 'cancelling', 'failed'],
  'pre-switchover': ['device', 'cancelling', 'failed'],
  device: ['postcopy-active', 'completed', 'cancelling', 'failed'],
  'postcopy-active': ['postcopy-paused', 'completed', 'failed'],
  'postcopy-paused': ['postcopy-recover', 'completed', 'failed'],
  'postcopy-recover': ['postcopy-active', 'postcopy-paused', 'completed', 'failed'],
  cancelling: ['cancelled', 'failed'],
  completed: [],
  cancelled: [],
  failed: [],
};

export type OutgoingHistory = readonly StateEntry<OutgoingState>[];
