import type { ApiClient } from '../api/client.js';
import { streamEvents } from '../api/event-stream.js';
import { migration, type Migration } from '../api/migration.js';
import { Refused } from '../api/problem.js';
import { isOver } from '../view/phases.js';
import { Backoff, isAborted, pause } from './backoff.js';

export interface Followed {
  readonly onNews: (news: Migration) => void;
  /** The connection broke, or the agent refused: it is tried again, unless there is no such migration. */
  readonly onFailure: (thrown: unknown) => void;
}

const UNAUTHORIZED = 401;
const NOT_FOUND = 404;

/** Follows a migration by its events until it is over, or until the signal aborts. Never rejects. */
export async function follow(
  client: ApiClient,
  id: string,
  { onNews, onFailure }: Followed,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff();
  let lastEventId: string | undefined;
  while (!isAborted(signal)) {
    try {
      const stream = await client.events(id, lastEventId, signal);
      if (stream === undefined) return;
      for await (const event of streamEvents(stream)) {
        if (isAborted(signal)) return;
        const news = migration(JSON.parse(event.data));
        lastEventId = event.id ?? lastEventId;
        backoff.reset();
        onNews(news);
        if (event.event === 'end' || isOver(news)) return;
      }
    } catch (thrown) {
      if (isAborted(signal)) return;
      onFailure(thrown);
      if (thrown instanceof Refused && [UNAUTHORIZED, NOT_FOUND].includes(thrown.status)) return;
    }
    await pause(backoff.next(), signal);
  }
}
