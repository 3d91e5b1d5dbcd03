import type { EndedMigration } from '@pageferry/daemon';
import type { OutgoingView } from '../outgoing-resource.js';
import type { StoredGang } from './gang-journal.js';
import type { GangView, MemberView } from './gang-resource.js';
import type { GangState, MemberState } from './gang-states.js';
import { totalOf } from './gang-totals.js';
import { viewMember } from './member.js';

/**
 * A gang whose agent ended before it did. None of its guests is begun any more; those that had been handed over go on by
 * themselves, and all that is known of the others is what their migrations say.
 */
export class InterruptedGang implements EndedMigration<GangView> {
  readonly events = 1;
  readonly #stored: StoredGang;
  readonly #find: (id: string) => OutgoingView | undefined;

  /** @param find a migration, if it is known */
  constructor(stored: StoredGang, find: (id: string) => OutgoingView | undefined) {
    this.#stored = stored;
    this.#find = find;
  }

  get view(): GangView {
    const { begun, migrations } = this.#stored;
    const all: OutgoingView[] = [];
    const guests = begun.guests.map(({ guest }): MemberView => {
      const ids = migrations.get(guest) ?? [];
      const known = ids.map(this.#find).filter((view) => view !== undefined);
      all.push(...known);
      return viewMember(guest, { state: stateOf(ids.length, known.at(-1)), attempts: ids.length, known });
    });
    const ends = all.map(({ startedAt, totalMs }) => startedAt + totalMs - begun.startedAt);
    return {
      ...begun,
      guests,
      state: stateOfGang(guests),
      totalMs: Math.max(0, ...ends),
      sent: totalOf(all),
    };
  }
}

function stateOf(attempts: number, newest: OutgoingView | undefined): MemberState {
  if (attempts === 0) return 'skipped';
  switch (newest?.state) {
    case 'completed':
      return 'moved';
    case 'cancelled':
      return 'cancelled';
    case 'failed':
    case undefined:
      return 'failed';
    default:
      return 'moving';
  }
}

function stateOfGang(guests: readonly MemberView[]): GangState {
  if (guests.some(({ state }) => state === 'moving')) return 'active';
  return guests.every(({ state }) => state === 'moved') ? 'completed' : 'failed';
}
