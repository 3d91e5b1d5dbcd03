import type { ApiClient } from '../api/client.js';
import type { Migration } from '../api/migration.js';
import { isOver } from '../view/phases.js';
import { follow, type Followed } from './follow.js';

/** A browser opens few connections to one server, and requests need one, too. */
const MOST_FOLLOWED = 3;

/** Follows some of the migrations that are under way. */
export class LiveUpdates {
  readonly #client: ApiClient;
  readonly #followed: Followed;
  readonly #scopes = new Map<string, AbortController>();

  constructor(client: ApiClient, followed: Followed) {
    this.#client = client;
    this.#followed = followed;
  }

  /** @param migrations those of interest, the most interesting first; others are no longer followed */
  attend(migrations: readonly Migration[]): void {
    const ids = new Set(migrations.filter((migration) => !isOver(migration)).map(({ id }) => id));
    const wanted = [...ids].slice(0, MOST_FOLLOWED);
    for (const [id, scope] of this.#scopes) if (!wanted.includes(id)) scope.abort();
    for (const id of wanted) if (!this.#scopes.has(id)) this.#start(id);
  }

  stop(): void {
    for (const scope of this.#scopes.values()) scope.abort();
  }

  #start(id: string): void {
    const scope = new AbortController();
    this.#scopes.set(id, scope);
    const end = (): void => {
      if (this.#scopes.get(id) === scope) this.#scopes.delete(id);
    };
    scope.signal.addEventListener('abort', end);
    void follow(this.#client, id, this.#followed, scope.signal).then(end);
  }
}
