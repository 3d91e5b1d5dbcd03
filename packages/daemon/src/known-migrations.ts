import { PageferryError } from '@pageferry/errors';
import { MigrationHistory, type EndedMigration, type MigrationHistoryOptions } from './migration-history.js';

/** A migration, or several in one, that is under way. */
export interface Underway<View> {
  readonly id: string;
  /** What the API shows of it. */
  readonly view: View;
}

export interface KnownMigrationsOptions extends MigrationHistoryOptions {
  /** What one is called in errors. */
  readonly what: 'migration' | 'gang';
}

/** The migrations that an agent knows: those under way, and the latest that ended. */
export class KnownMigrations<
  View extends { readonly id: string; readonly state: string },
  One extends Underway<View>,
> {
  readonly #what: string;
  readonly #underway = new Map<string, One>();
  readonly #history: MigrationHistory<View>;
  readonly #onEnd: ((view: View) => void)[] = [];

  constructor({ what, ...history }: KnownMigrationsOptions) {
    this.#what = what;
    this.#history = new MigrationHistory(history);
  }

  /** Those that have ended first. */
  get views(): View[] {
    return [...this.#history.views, ...this.underway.map(({ view }) => view)];
  }

  get underway(): One[] {
    return [...this.#underway.values()];
  }

  /** Calls `listener` with each one that has ended. */
  onEnd(listener: (view: View) => void): void {
    this.#onEnd.push(listener);
  }

  /** Error: `migration-not-found`. */
  view(id: string): View {
    const view = this.#underway.get(id)?.view ?? this.ended(id)?.view;
    if (view === undefined)
      throw new PageferryError('migration-not-found', `no ${this.#what} ${id} is known here`);
    return view;
  }

  ended(id: string): EndedMigration<View> | undefined {
    return this.#history.find(id);
  }

  /** One that is under way, if it is. */
  findUnderway(id: string): One | undefined {
    return this.#underway.get(id);
  }

  /** As {@link findUnderway}. Errors: `migration-not-found`; `migration-state`, if it is over. */
  requireUnderway(id: string): One {
    const one = this.#underway.get(id);
    if (one !== undefined) return one;
    const { state } = this.view(id);
    throw new PageferryError('migration-state', `the ${this.#what} is over: it is ${state}`);
  }

  /** One is under way from now on. */
  begin(one: One): void {
    this.#underway.set(one.id, one);
  }

  /** One is over, and shown as such. */
  end({ id, view }: One, events: number): void {
    this.#underway.delete(id);
    this.#history.add({ view, events });
    for (const listener of this.#onEnd) listener(view);
  }

  /** One is not under way any more, and of no interest. */
  drop(id: string): void {
    this.#underway.delete(id);
  }

  /** Takes one that ended in an earlier run of the agent, after all that ended before it. */
  addEnded(ended: EndedMigration<View>): void {
    this.#history.add(ended);
  }

  /** Forgets one that is over. Errors: `migration-not-found`; `migration-state`, if it is not; `journal`. */
  async delete(id: string): Promise<void> {
    if (this.#underway.has(id)) {
      throw new PageferryError(
        'migration-state',
        `the ${this.#what} is under way: cancel it, or wait for its end`,
      );
    }
    this.view(id);
    await this.#history.delete(id);
  }
}
