import { createParser, type EventSourceMessage } from '../vendor/eventsource-parser.js';

const LARGEST_EVENT = 16 * 1024 * 1024;

/** One server-sent event. */
export type StreamEvent = Pick<EventSourceMessage, 'id' | 'event' | 'data'>;

/** The events in a stream of bytes, until it ends. Error: that of the stream, or of an event beyond 16 MiB. */
export async function* streamEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent, void> {
  // Filled by one chunk and emptied before the next.
  const events: StreamEvent[] = [];
  const parser = createParser({
    maxBufferSize: LARGEST_EVENT,
    onEvent: (event) => events.push(event),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') throw error;
    },
  });
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* events.splice(0);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
