import type { Static, TSchema } from '@sinclair/typebox';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { bodyText } from './body-text.js';
import { unreachable } from './connection-errors.js';
import type { Http } from './http.js';
import { parseAnswer, type Answered } from './parse-answer.js';

/** What was told of a resource as it was then. */
export interface ResourceEvent<V> {
  /** For the agent to go on after, if the connection breaks. */
  readonly id: string | undefined;
  readonly answer: Answered<V>;
}

export interface EventRequest<T extends TSchema> {
  /** The resource's. */
  readonly path: string;
  readonly schema: T;
  /** Of the last event that was received, if there was one. */
  readonly lastEventId: string | undefined;
  readonly signal: AbortSignal;
}

const LARGEST_EVENT = 16 * 1024 * 1024;
const events: readonly (string | undefined)[] = ['state', 'progress', 'end'];

/**
 * What the agent reports of a migration or a gang, until it has no more to report.
 *
 * @throws ProblemError with status 404 if there is no such thing, or the agent has no events; `api-unreachable` when
 *   the connection breaks.
 */
export async function* resourceEvents<T extends TSchema>(
  http: Http,
  { path: resource, schema, lastEventId, signal }: EventRequest<T>,
): AsyncGenerator<ResourceEvent<Static<T>>, void> {
  const path = `${resource}/events`;
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
      yield { id: message.id, answer: parseAnswer(schema, message.data, `${http.url}${path}`) };
    }
  }
}
