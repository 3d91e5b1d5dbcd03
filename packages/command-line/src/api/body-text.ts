import type { Dispatcher } from 'undici';
import { unreachable } from './connection-errors.js';

/** The text of an answer as it comes. Errors: `api-unreachable` when the connection breaks, and the signal's reason. */
export async function* bodyText(
  response: Dispatcher.ResponseData,
  url: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<string, void> {
  const chunks: AsyncIterable<unknown> = response.body;
  const decoder = new TextDecoder();
  const reader = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await reader.next().catch((error: unknown) => {
        signal?.throwIfAborted();
        throw unreachable(url, error);
      });
      if (next.done === true) return;
      if (next.value instanceof Uint8Array) yield decoder.decode(next.value, { stream: true });
    }
  } finally {
    // Whoever reads no further needs the connection no longer.
    await reader.return?.().catch(() => undefined);
  }
}
