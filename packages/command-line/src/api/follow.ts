import { PageferryError, sleep } from '@pageferry/errors';
import { gangPathOf, pathOf, type ApiClient, type GangAnswer, type MigrationAnswer } from './client.js';
import { resourceEvents, type ResourceEvent } from './events.js';
import { Gang } from './gang-schemas.js';
import type { Answered } from './parse-answer.js';
import { ProblemError } from './problem-error.js';
import { Migration } from './schemas.js';

/** What comes to an end. */
interface Stateful {
  readonly state: string;
}

/** The ways in which the agent says how it goes. */
interface Source<V> {
  readonly events: (
    lastEventId: string | undefined,
    signal: AbortSignal,
  ) => AsyncGenerator<ResourceEvent<V>, void>;
  readonly ask: (signal: AbortSignal) => Promise<Answered<V>>;
}

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** How long an agent may be unreachable, as while it is started again, ms. */
  readonly patienceMs?: number;
  /** Between two looks at an agent that has no events, ms; twice as long at one that does not answer. */
  readonly intervalMs?: number;
}

const PATIENCE_MS = 60_000;
const INTERVAL_MS = 500;
const NOT_FOUND = 404;
const TOO_MANY_REQUESTS = 429;
const UNAVAILABLE = 503;

const finalStates: readonly string[] = ['completed', 'cancelled', 'failed'];

export const isOver = ({ state }: Stateful): boolean => finalStates.includes(state);

/** A migration as it goes on: see {@link follow}. */
export function followMigration(
  client: ApiClient,
  id: string,
  options: FollowOptions,
): AsyncGenerator<MigrationAnswer, void> {
  const source: Source<Migration> = {
    events: (lastEventId, signal) =>
      resourceEvents(client.http, { path: pathOf(id), schema: Migration, lastEventId, signal }),
    ask: (signal) => client.migration(id, signal),
  };
  return follow(source, options);
}

/** A gang as it goes on: see {@link follow}. */
export function followGang(
  client: ApiClient,
  id: string,
  options: FollowOptions,
): AsyncGenerator<GangAnswer, void> {
  const source: Source<Gang> = {
    events: (lastEventId, signal) =>
      resourceEvents(client.http, { path: gangPathOf(id), schema: Gang, lastEventId, signal }),
    ask: (signal) => client.gang(id, signal),
  };
  return follow(source, options);
}

/**
 * How it goes on, at last when it is over: by the agent's events, or, from an agent that has none, by asking it again and
 * again.
 *
 * @throws `api-unreachable` when the agent has not answered for `patienceMs`, a ProblemError when it refuses, and the
 *   signal's reason.
 */
async function* follow<V extends Stateful>(
  { events, ask }: Source<V>,
  { signal, patienceMs = PATIENCE_MS, intervalMs = INTERVAL_MS }: FollowOptions,
): AsyncGenerator<Answered<V>, void> {
  let lastEventId: string | undefined;
  let hasEvents = true;
  let lostAt: number | undefined;
  for (;;) {
    try {
      try {
        for await (const { id: eventId, answer } of hasEvents ? events(lastEventId, signal) : []) {
          lastEventId = eventId ?? lastEventId;
          lostAt = undefined;
          yield answer;
          if (isOver(answer.value)) return;
        }
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error;
        // Refused for now, as when too many watch: asking may still be allowed.
        hasEvents = error.status !== NOT_FOUND;
      }
      // Also after the end of the events: what they left out would otherwise be waited for in vain.
      const answer = await ask(signal);
      lostAt = undefined;
      yield answer;
      if (isOver(answer.value)) return;
      await sleep(intervalMs, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!passes(error)) throw error;
      lostAt ??= performance.now();
      if (performance.now() - lostAt >= patienceMs) throw error;
      await sleep(2 * intervalMs, signal);
    }
  }
}

/** Whether it may be otherwise in a while. */
function passes(error: unknown): boolean {
  if (error instanceof ProblemError)
    return error.status === TOO_MANY_REQUESTS || error.status === UNAVAILABLE;
  return error instanceof PageferryError && error.code === 'api-unreachable';
}
