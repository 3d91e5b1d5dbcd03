import type { Migration } from '../api/schemas.js';

const phases: Readonly<Record<string, string>> = {
  setup: 'comparing the two hosts',
  active: 'pre-copy',
  'pre-switchover': 'about to stop the guest',
  device: 'switch-over, the guest stands still',
  'postcopy-active': 'post-copy, the guest runs on the destination',
  'postcopy-paused': 'post-copy is paused, the connection is lost; the guest waits for missing pages',
  'postcopy-recover': 'post-copy is about to go on',
  completed: 'the guest runs on the destination',
  cancelling: 'being cancelled',
  cancelled: 'cancelled, the guest stays on the source',
  failed: 'failed',
};

/** What goes on, in words. */
export function phaseOf({ state, iterations }: Migration): string {
  const phase = phases[state] ?? state;
  return state === 'active' && iterations > 0 ? `${phase}, iteration ${iterations}` : phase;
}
