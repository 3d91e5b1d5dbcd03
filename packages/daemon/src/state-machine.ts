import { PageferryError } from '@pageferry/errors';

/** For every state the states that may follow it; none for a final state. */
export type TransitionTable<State extends string> = Readonly<Record<State, readonly NoInfer<State>[]>>;

export interface StateEntry<State extends string> {
  readonly state: State;
  /** When the state was entered, ms since the epoch. */
  readonly at: number;
}

export type TransitionListener<State extends string> = (entered: StateEntry<State>, left: State) => void;

/** A migration whose link flaps for days must not fill the memory. */
const LONGEST_HISTORY = 1000;

/** An explicit state machine: every step that its table does not name is an error. */
export class StateMachine<State extends string> {
  readonly #table: TransitionTable<State>;
  readonly #history: StateEntry<State>[] = [];
  readonly #listeners = new Set<TransitionListener<State>>();
  #state: State;

  constructor(table: TransitionTable<State>, initial: NoInfer<State>) {
    this.#table = table;
    this.#state = initial;
    this.#history.push({ state: initial, at: Date.now() });
  }

  get state(): State {
    return this.#state;
  }

  /** Whether no state can follow. */
  get isFinal(): boolean {
    return this.#table[this.#state].length === 0;
  }

  /** The states so far, oldest first, the present one last; of very many the oldest are forgotten. */
  get history(): readonly StateEntry<State>[] {
    return this.#history;
  }

  can(next: State): boolean {
    return this.#table[this.#state].includes(next);
  }

  /** @throws `state-machine` if `next` may not follow the present state, which then stays. */
  transition(next: State): void {
    const left = this.#state;
    if (!this.can(next)) {
      const allowed = this.#table[left].join(', ') || 'nothing';
      throw new PageferryError('state-machine', `${next} cannot follow ${left}; what can is ${allowed}`);
    }
    const entered = { state: next, at: Date.now() };
    this.#state = next;
    this.#history.push(entered);
    if (this.#history.length > LONGEST_HISTORY) this.#history.shift();
    for (const listener of this.#listeners) listener(entered, left);
  }

  /** Calls `listener` after each transition, until the function that is returned is called. */
  onTransition(listener: TransitionListener<State>): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
