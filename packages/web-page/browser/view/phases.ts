import type { Migration } from '../api/migration.js';

/** How a state is to be taken. */
export type Tone = 'busy' | 'good' | 'warning' | 'bad' | 'quiet';

interface Meaning {
  readonly label: string;
  /** What goes on, in words. */
  readonly words: string;
  readonly tone: Tone;
}

/** The states of an outgoing migration. */
const meanings: Readonly<Record<string, Meaning>> = {
  setup: { label: 'Setup', words: 'the two hosts are compared', tone: 'busy' },
  active: { label: 'Pre-copy', words: 'memory is sent while the guest runs here', tone: 'busy' },
  'pre-switchover': { label: 'Before switch-over', words: 'the guest is about to be stopped', tone: 'busy' },
  device: { label: 'Switch-over', words: 'the guest stands still', tone: 'warning' },
  'postcopy-active': {
    label: 'Post-copy',
    words: 'the guest runs on the destination, and the rest follows it',
    tone: 'busy',
  },
  'postcopy-paused': {
    label: 'Post-copy paused',
    words: 'the connection is lost; the guest waits for missing pages',
    tone: 'bad',
  },
  'postcopy-recover': { label: 'Post-copy recovers', words: 'post-copy is about to go on', tone: 'warning' },
  completed: { label: 'Completed', words: 'the guest runs on the destination', tone: 'good' },
  cancelling: { label: 'Cancelling', words: 'it is being given up; the guest stays here', tone: 'warning' },
  cancelled: { label: 'Cancelled', words: 'the guest stayed here', tone: 'quiet' },
  failed: { label: 'Failed', words: 'it did not succeed', tone: 'bad' },
};

/** Also of a state that a newer agent may have. */
export const meaningOf = (state: string): Meaning =>
  meanings[state] ?? { label: state, words: state, tone: 'quiet' };

const finalStates: readonly string[] = ['completed', 'cancelled', 'failed'];
const beforeStop: readonly string[] = ['setup', 'active'];
const beforeHandOver: readonly string[] = [...beforeStop, 'pre-switchover', 'device'];

export const isOver = ({ state }: Migration): boolean => finalStates.includes(state);

/** What can still be asked of it. Only the agent knows whether the guest has been handed over: it may refuse. */
export const canCancel = ({ state }: Migration): boolean => beforeHandOver.includes(state);
export const canSwitchOver = ({ state }: Migration): boolean => beforeStop.includes(state);
export const canRecover = ({ state }: Migration): boolean => state === 'postcopy-paused';
