import type { ApiClient, Steer } from './api/client.js';
import type { Migration } from './api/migration.js';
import { Refused, problemOf } from './api/problem.js';
import type { TokenStore } from './api/token.js';
import { byId } from './dom/element.js';
import { knowsIterations } from './live/iterations.js';
import { LiveUpdates } from './live/live-updates.js';
import { MigrationStore } from './live/migration-store.js';
import { Poll } from './live/poll.js';
import { OpenMigration } from './open-migration.js';
import { openedBy } from './route.js';
import { Announcer } from './view/announcer.js';
import { ConnectionStatus } from './view/connection.js';
import { ListView } from './view/list-view.js';
import { isOver, meaningOf } from './view/phases.js';
import { problemBox } from './view/problem-box.js';
import { TokenForm } from './view/token-form.js';

/** Between two looks at the list, ms: whatever is under way tells of itself. */
const INTERVAL_MS = 5_000;
const UNAUTHORIZED = 401;
const TITLE = 'pageferry';

/** Everything together: what is known, where it comes from, and what of it is shown. */
export class Page {
  readonly #client: ApiClient;
  readonly #tokens: TokenStore;
  readonly #store = new MigrationStore();
  readonly #list = new ListView(() => void this.#showOlder());
  readonly #announcer = new Announcer();
  readonly #connection = new ConnectionStatus();
  readonly #form: TokenForm;
  readonly #poll: Poll;
  readonly #live: LiveUpdates;
  readonly #failure = byId('failure');
  #open: OpenMigration | undefined;
  #hasAnswer = false;

  constructor(client: ApiClient, tokens: TokenStore) {
    this.#client = client;
    this.#tokens = tokens;
    this.#form = new TokenForm((token) => {
      tokens.token = token;
      this.#poll.start();
    });
    this.#poll = new Poll({
      ask: (signal) => this.#refresh(signal),
      onFailure: (thrown, retryMs) => {
        this.#failed(thrown, retryMs);
      },
    });
    this.#live = new LiveUpdates(client, {
      onNews: (news) => {
        this.#store.take(news);
        this.#take(news);
        this.#render();
      },
      onFailure: () => {
        this.#poll.hurry();
      },
    });
    this.#list.node.hidden = true;
    byId('main').append(this.#list.node);
  }

  start(): void {
    addEventListener('hashchange', () => {
      this.#route();
    });
    document.addEventListener('visibilitychange', () => {
      // What nobody sees need not be known.
      if (document.hidden) this.#rest();
      else if (!this.#isLocked) this.#poll.start();
    });
    this.#route();
    this.#poll.start();
  }

  restyle(): void {
    this.#open?.view.restyle();
  }

  get #isLocked(): boolean {
    return !byId('token-form').hidden;
  }

  #rest(): void {
    this.#poll.stop();
    this.#live.stop();
  }

  #route(): void {
    const id = openedBy(location.hash);
    if (id !== this.#open?.id) {
      this.#open?.view.close();
      this.#open = undefined;
      this.#failure.replaceChildren();
      if (id !== undefined) {
        this.#open = new OpenMigration(id, (...asked) => this.#steer(...asked));
        byId('main').append(this.#open.view.node);
        const known = this.#store.migrations.find((migration) => migration.id === id);
        if (known !== undefined) this.#open.take(known);
        this.#poll.hurry();
      }
      scrollTo(0, 0);
    }
    this.#render();
  }

  /** Asks for all that is not told by events. */
  async #refresh(signal: AbortSignal): Promise<number> {
    const page = await this.#client.migrations(undefined, signal);
    this.#hasAnswer = true;
    this.#store.takeNewest(page);
    if (this.#store.migrations.length === 0) this.#list.showGuests(await this.#client.guests(signal));
    for (const migration of this.#store.migrations) this.#take(migration);
    await this.#refreshOpen(signal);
    this.#form.hide();
    this.#connection.live();
    this.#render();
    this.#attend();
    return INTERVAL_MS;
  }

  /** One that is not listed is asked for by itself, and one that is over if no event has told of its iterations. */
  async #refreshOpen(signal: AbortSignal): Promise<void> {
    const open = this.#open;
    if (open === undefined) return;
    const { id, migration } = open;
    const isListed = this.#store.migrations.some((listed) => listed.id === id);
    const isEnded = migration !== undefined && isOver(migration);
    if (isEnded ? knowsIterations(migration) : isListed) return;
    try {
      const news = await this.#client.migration(id, signal);
      if (open === this.#open) open.take(news);
    } catch (thrown) {
      if (!(thrown instanceof Refused) || thrown.status === UNAUTHORIZED) throw thrown;
      if (open === this.#open) this.#failure.replaceChildren(problemBox(thrown.problem));
    }
  }

  #attend(): void {
    if (document.hidden) return;
    const { migration } = this.#open ?? {};
    this.#live.attend([...(migration === undefined ? [] : [migration]), ...this.#store.migrations]);
  }

  #take(news: Migration): void {
    this.#announcer.take(news);
    this.#open?.take(news);
  }

  #render(): void {
    const open = this.#open;
    this.#list.node.hidden = open !== undefined || !this.#hasAnswer;
    if (open === undefined) this.#list.show(this.#store.migrations, this.#store.hasOlder, Date.now());
    const migration = open?.migration;
    const state = migration === undefined ? '' : `${migration.guest}: ${meaningOf(migration.state).label} · `;
    document.title = `${state}${TITLE}`;
  }

  async #showOlder(): Promise<void> {
    try {
      this.#store.takeOlder(await this.#client.migrations(this.#store.oldest));
      this.#render();
    } catch {
      // As of one that has been deleted meanwhile: looking again shows what is there.
      this.#poll.hurry();
    }
  }

  async #steer(migration: Migration, what: Steer, body: object | undefined): Promise<void> {
    const open = this.#open;
    try {
      const news = await this.#client.steer(migration.id, what, body);
      open?.refuse(undefined);
      this.#store.take(news);
      this.#take(news);
    } catch (thrown) {
      open?.refuse(problemOf(thrown));
    }
    this.#poll.hurry();
  }

  #failed(thrown: unknown, retryMs: number): void {
    if (thrown instanceof Refused && thrown.status === UNAUTHORIZED) {
      this.#rest();
      this.#connection.locked();
      this.#form.ask(this.#tokens.token !== undefined);
      this.#tokens.token = undefined;
      return;
    }
    this.#connection.lost(thrown, retryMs);
  }
}
