import type { TransitionTable } from '@pageferry/daemon';

/**
 * Of a preparation. `indexing`: not all pages have been looked at yet; `ready`: a gang may use it; `used`: one has, or does;
 * `ended`: by request, or with the agent; `failed`: no guest was left, or something unforeseen happened.
 */
export type PreparationState = 'indexing' | 'ready' | 'used' | 'expired' | 'ended' | 'failed';

export const preparationStates: TransitionTable<PreparationState> = {
  indexing: ['ready', 'expired', 'ended', 'failed'],
  ready: ['used', 'expired', 'ended', 'failed'],
  used: [],
  expired: [],
  ended: [],
  failed: [],
};
