import type { Migration, MigrationPage } from '../api/migration.js';
import { isOver } from '../view/phases.js';
import { withIterations } from './iterations.js';

/** The migrations that this page knows of, from lists and from events. */
export class MigrationStore {
  readonly #byId = new Map<string, Migration>();
  #hasOlder = false;

  /** The newest first. */
  get migrations(): readonly Migration[] {
    return [...this.#byId.values()].sort(newestFirst);
  }

  /** Whether the agent knows of more. */
  get hasOlder(): boolean {
    return this.#hasOlder;
  }

  /** What the next page comes after. */
  get oldest(): string | undefined {
    return this.migrations.at(-1)?.id;
  }

  /** The newest ones, as they are now: what should be among them and is not has been deleted. */
  takeNewest({ migrations, next }: MigrationPage): void {
    const listed = new Set(migrations.map(({ id }) => id));
    const last = migrations.at(-1);
    let older = 0;
    for (const migration of this.#byId.values()) {
      if (listed.has(migration.id)) continue;
      if (next === undefined || last === undefined || newestFirst(migration, last) < 0)
        this.#byId.delete(migration.id);
      else older++;
    }
    if (older === 0) this.#hasOlder = next !== undefined;
    this.#takeAll(migrations);
  }

  takeOlder({ migrations, next }: MigrationPage): void {
    this.#hasOlder = next !== undefined;
    this.#takeAll(migrations);
  }

  /** News of one that is listed already. */
  take(news: Migration): void {
    const known = this.#byId.get(news.id);
    if (known !== undefined) this.#byId.set(news.id, newer(known, news));
  }

  #takeAll(migrations: readonly Migration[]): void {
    for (const news of migrations) this.#byId.set(news.id, newer(this.#byId.get(news.id), news));
  }
}

/** An answer may have been on its way for longer than an event that tells of later. */
export function newer(known: Migration | undefined, news: Migration): Migration {
  const isLate = known !== undefined && !isOver(news) && (isOver(known) || known.totalMs > news.totalMs);
  return isLate ? withIterations(news, known) : withIterations(known, news);
}

/** As the agent lists them. */
function newestFirst(one: Migration, other: Migration): number {
  return other.startedAt - one.startedAt || (one.id < other.id ? -1 : 1);
}
