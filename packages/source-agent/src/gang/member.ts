import { StateMachine, problemOf } from '@pageferry/daemon';
import type { PageferryError } from '@pageferry/errors';
import type { OutgoingMigration } from '../outgoing-migration.js';
import type { OutgoingView } from '../outgoing-resource.js';
import type { MemberView } from './gang-resource.js';
import { memberStates, type MemberState } from './gang-states.js';

export type MemberMigration = Pick<OutgoingMigration, 'id' | 'view' | 'cancel' | 'over'>;

/** @param known its migrations, the newest last */
export function viewMember(
  guest: string,
  { state, attempts, known }: { state: MemberState; attempts: number; known: readonly OutgoingView[] },
): MemberView {
  const now = known.at(-1);
  return {
    guest,
    state,
    migration: now?.id ?? null,
    migrationState: now?.state ?? null,
    attempts,
    memory: now?.memory ?? null,
    remainingPages: now?.remainingPages ?? 0,
    downtimeMs: now?.downtimeMs ?? null,
    totalMs: now?.totalMs ?? null,
    sentBytes: known.reduce((sum, { bytes }) => sum + bytes.sent, 0),
    error: now?.error ?? null,
  };
}

/** One guest of a gang, and its migrations: there is a second one only if the first was given up before the hand-over. */
export class Member {
  readonly guest: string;
  readonly states = new StateMachine<MemberState>(memberStates, 'waiting');
  /** The newest. */
  #migration: MemberMigration | undefined;
  /** Of those before it. */
  readonly #earlier: OutgoingView[] = [];
  #error: PageferryError | undefined;
  #attempts = 0;

  constructor(guest: string) {
    this.guest = guest;
  }

  get attempts(): number {
    return this.#attempts;
  }

  get isOver(): boolean {
    return this.states.isFinal;
  }

  /** Its migrations as they are now, the newest last. */
  get migrations(): readonly OutgoingView[] {
    return this.#migration === undefined ? this.#earlier : [...this.#earlier, this.#migration.view];
  }

  get view(): MemberView {
    const { state } = this.states;
    const view = viewMember(this.guest, { state, attempts: this.#attempts, known: this.migrations });
    return this.#error === undefined ? view : { ...view, error: problemOf(this.#error) };
  }

  /** A migration of it begins. */
  begin(): void {
    this.states.transition('moving');
    this.#attempts++;
  }

  /** The migration that has begun. */
  follow(migration: MemberMigration): void {
    const before = this.#migration?.view;
    if (before !== undefined) this.#earlier.push(before);
    this.#migration = migration;
    this.#error = undefined;
  }

  /** The attempt has ended, and there is none after it. */
  end(state: 'moved' | 'failed' | 'cancelled' | 'skipped', error?: PageferryError): void {
    this.#error = error;
    this.states.transition(state);
  }

  /** The attempt has ended, and another one follows. */
  wait(error?: PageferryError): void {
    this.#error = error;
    this.states.transition('waiting');
  }

  /** Gives its migration up, if that can still be done. */
  cancel(): void {
    try {
      this.#migration?.cancel();
    } catch {
      // It has been handed over: it moves.
    }
  }
}
