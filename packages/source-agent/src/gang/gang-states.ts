import type { TransitionTable } from '@pageferry/daemon';

/** Of a gang: `failed` when at least one of its guests has not moved, though nobody cancelled it. */
export type GangState = 'active' | 'cancelling' | 'completed' | 'cancelled' | 'failed';

export const gangStates: TransitionTable<GangState> = {
  active: ['cancelling', 'completed', 'failed'],
  cancelling: ['completed', 'cancelled', 'failed'],
  completed: [],
  cancelled: [],
  failed: [],
};

/** Of a guest of a gang. `skipped`: its migration was never begun, or not begun again. */
export type MemberState = 'waiting' | 'moving' | 'moved' | 'failed' | 'cancelled' | 'skipped';

export const memberStates: TransitionTable<MemberState> = {
  waiting: ['moving', 'failed', 'skipped'],
  moving: ['moved', 'waiting', 'failed', 'cancelled'],
  moved: [],
  failed: [],
  cancelled: [],
  skipped: [],
};
