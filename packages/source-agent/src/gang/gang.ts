import { EventFeed, StateMachine, type Logger } from '@pageferry/daemon';
import { PageferryError, asPageferryError, sleep } from '@pageferry/errors';
import type { ContentFigures } from '../known-contents.js';
import type { Route } from '../route.js';
import type { SharedFlow } from '../shared-flow.js';
import { mayTryAgain, pauseMs } from './attempts.js';
import { EncodingDecisions } from './encoding-decisions.js';
import type { ClosableRoute, GangOptions } from './gang-options.js';
import { memberRequest, type GangChange, type GangRequest } from './gang-request.js';
import type { GangView } from './gang-resource.js';
import { gangStates, type GangState } from './gang-states.js';
import { totalOf } from './gang-totals.js';
import { Member } from './member.js';

/** Between two events of a gang that goes on, ms. */
const PROGRESS_INTERVAL_MS = 500;

/**
 * Guests that leave for one destination together, over one connection. They move in their order, some at once: the first of these
 * has the link, those after it what it leaves. One that fails stays here and does not stop the others, unless the request says so.
 */
export class Gang {
  readonly id: string;
  readonly feed = new EventFeed();
  readonly #request: GangRequest;
  /** Undefined when it is over: what was sent need not be kept. */
  #route: ClosableRoute | undefined;
  readonly #flow: SharedFlow;
  readonly #figures: ContentFigures | undefined;
  readonly #preparation: string | undefined;
  readonly #start: GangOptions['start'];
  readonly #onMigration: ((guest: string, migration: string) => void)[] = [];
  readonly #log: Logger;
  #members: readonly Member[];
  readonly #states = new StateMachine<GangState>(gangStates, 'active');
  readonly #scope = new AbortController();
  readonly #startedAt = Date.now();
  readonly #begunMs = performance.now();
  #atOnce: number;
  #underway = 0;
  /** How it ended. */
  #result: GangView | undefined;
  /** Somebody has come to an end, or may begin. */
  #changed: () => void = () => undefined;

  constructor({ id, request, guests, route, preparation, start, log }: GangOptions) {
    this.id = id;
    this.#request = request;
    this.#route = route;
    this.#flow = route.flow;
    this.#figures = route.figures;
    this.#preparation = preparation;
    this.#start = start;
    this.#log = log.child({ gang: id });
    this.#members = guests.map((guest) => this.#watched(new Member(guest)));
    this.#atOnce = request.atOnce;
    this.#flow.limit.change(request.bandwidthCap, performance.now());
    if (preparation !== undefined) this.#log.info({ preparation }, 'what the guests have in common is known');
    this.#states.onTransition(({ state }) => {
      this.#log.info({ state }, 'gang state');
      if (!this.isOver) this.feed.publish('state', () => this.view);
    });
  }

  get isOver(): boolean {
    return this.#states.isFinal;
  }

  get view(): GangView {
    if (this.#result !== undefined) return this.#result;
    const { destination, mode } = this.#request;
    return {
      id: this.id,
      destination,
      mode,
      state: this.#states.state,
      startedAt: this.#startedAt,
      totalMs: performance.now() - this.#begunMs,
      atOnce: this.#atOnce,
      bandwidthCap: this.#flow.limit.bytesPerSecond,
      guests: this.#members.map(({ view }) => view),
      sent: totalOf(this.#members.flatMap(({ migrations }) => migrations)),
      preparation: this.#preparation ?? null,
      contents: { kept: this.#figures?.kept ?? 0, lone: this.#figures?.lone ?? 0 },
      bandwidth: this.#flow.bytesPerSecond ?? null,
    };
  }

  /** Calls `listener` with each migration that begins, and its guest. */
  onMigration(listener: (guest: string, migration: string) => void): void {
    this.#onMigration.push(listener);
  }

  /** Changes what the request said. Error: `migration-state`, when it is over. */
  change(change: GangChange): void {
    this.#refuseOver();
    const { bandwidthCap, atOnce } = change;
    if (bandwidthCap !== undefined) this.#flow.limit.change(bandwidthCap, performance.now());
    this.#flow.wakeAll();
    this.#atOnce = atOnce ?? this.#atOnce;
    this.#log.info({ change }, 'what was requested has changed');
    this.#changed();
  }

  /** Gives up what has not been handed over: these guests stay here. Error: `migration-state`, when it is over. */
  cancel(): void {
    this.#refuseOver();
    if (this.#states.state === 'active') this.#states.transition('cancelling');
    this.#stop();
  }

  /** Never rejects: how it ended is in {@link view} and in the log. */
  async run(signal: AbortSignal): Promise<void> {
    const route = this.#route;
    if (route === undefined) return;
    const stop = (): void => {
      this.#stop();
    };
    signal.addEventListener('abort', stop, { once: true });
    const decisions = new EncodingDecisions(this.#log);
    const telling = setInterval(() => {
      this.feed.publish('progress', () => this.view);
      if (route.contents !== undefined) decisions.look(route.contents);
    }, PROGRESS_INTERVAL_MS);
    try {
      while (!this.#members.every(({ isOver }) => isOver)) {
        if (signal.aborted && this.#underway === 0) break;
        this.#beginMore(route);
        await new Promise<void>((resolve) => {
          this.#changed = resolve;
          if (this.#members.every(({ isOver }) => isOver)) resolve();
        });
      }
    } finally {
      clearInterval(telling);
      signal.removeEventListener('abort', stop);
      route.close();
      this.#end();
    }
  }

  #watched(member: Member): Member {
    member.states.onTransition(() => {
      this.feed.publish('state', () => this.view);
    });
    return member;
  }

  #beginMore(route: Route): void {
    for (const member of this.#members) {
      if (this.#underway >= this.#atOnce || this.#scope.signal.aborted) return;
      if (member.states.state !== 'waiting') continue;
      this.#underway++;
      member.begin();
      void this.#move(member, route).finally(() => {
        this.#underway--;
        this.#changed();
      });
    }
  }

  /** Never rejects. */
  async #move(member: Member, route: Route): Promise<void> {
    try {
      const migration = await this.#start(memberRequest(member.guest, this.#request), route);
      member.follow(migration);
      for (const listener of this.#onMigration) listener(member.guest, migration.id);
      if (this.#scope.signal.aborted) member.cancel();
      const error = await migration.over;
      if (error === undefined) member.end('moved');
      else await this.#failed(member, error);
    } catch (thrown) {
      await this.#failed(member, asPageferryError(thrown));
    }
  }

  async #failed(member: Member, error: PageferryError): Promise<void> {
    if (error.code === 'cancelled') {
      member.end('cancelled', error);
      return;
    }
    const again = mayTryAgain(error, member.attempts) && !this.#scope.signal.aborted;
    this.#log.error({ err: error, guest: member.guest, again }, 'a guest of the gang has not moved');
    if (!again) {
      member.end('failed', error);
      if (this.#request.whenOneFails === 'stop') this.#stop();
      return;
    }
    // Fewer at once, if the hosts allow no more.
    if (error.code === 'too-many-migrations') this.#atOnce = Math.max(this.#underway - 1, 1);
    try {
      await sleep(pauseMs(member.attempts), this.#scope.signal);
      member.wait(error);
    } catch {
      member.end(this.#states.state === 'cancelling' ? 'cancelled' : 'failed', error);
    }
  }

  /** None of those that wait is begun any more, and those under way are given up if they can be. */
  #stop(): void {
    this.#scope.abort(new PageferryError('cancelled', 'the gang does not go on'));
    for (const member of this.#members) {
      if (member.states.state === 'waiting') member.end('skipped');
      else if (member.states.state === 'moving') member.cancel();
    }
    this.#changed();
  }

  #end(): void {
    const haveMoved = this.#members.every(({ states }) => states.state === 'moved');
    const isCancelled = this.#states.state === 'cancelling';
    this.#states.transition(haveMoved ? 'completed' : isCancelled ? 'cancelled' : 'failed');
    const { view } = this;
    // Its migrations, and what they have sent, take memory that others need.
    this.#result = view;
    this.#members = [];
    this.#route = undefined;
    this.#log.info({ result: view }, 'the gang is over');
    this.feed.end('end', () => view);
  }

  #refuseOver(): void {
    if (!this.isOver) return;
    throw new PageferryError('migration-state', `the gang is over: it is ${this.#states.state}`);
  }
}
