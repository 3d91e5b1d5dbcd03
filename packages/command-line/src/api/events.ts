import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { bodyText } from './body-text.js';
import { pathOf, type MigrationAnswer } from './client.js';
import { unreachable } from './connection-errors.js';
import type { Http } from './http.js';
import { parseAnswer } from './parse-answer.js';
import { Migration } from './schemas.js';

export interface MigrationEvent {
  /** For the agent to go on after, if the connection breaks. */
  readonly id: string | undefined;
  readonly answer: MigrationAnswer;
}

const LARGEST_EVENT = 16 * 1024 * 1024;
const events: readonly (string | undefined)[] = ['state', 'progress', 'end'];

/**
 * What the agent reports of a migration, until it has no more to report.
 *
 * @throws ProblemError with status 404 if there is no such migration, or the agent has no events; `api-unreachable` when
 *   the connection breaks.
 */
export async function* migrationEvents(
  http: Http,
  id: string,
  lastEventId: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<MigrationEvent, void> {
  const path = `${pathOf(id)}/events`;
  const response = await http.open(path, {
    signal,
    headers: {
      accept: 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
  });
  // Filled by one chunk and emptied before the next: it holds what one chunk brings.
  const messages: EventSourceMessage[] = [];
  const parser = createParser({
    maxBufferSize: LARGEST_EVENT,
    onEvent: (message) => messages.push(message),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') throw unreachable(http.url, error);
    },
  });
  for await (const part of bodyText(response, http.url, signal)) {
    parser.feed(part);
    for (const message of messages.splice(0)) {
      if (!events.includes(message.event)) continue;
      yield { id: message.id, answer: parseAnswer(Migration, message.data, `${http.url}${path}`) };
    }
  }
}
