import type { Answered } from '../api/parse-answer.js';
import type { Session } from '../session.js';
import { writeLines } from '../view/progress-view.js';

export interface Started<V> {
  /** Undefined if nobody wanted to wait for it. */
  readonly answer: Answered<V> | undefined;
  /** Whether Ctrl-C came before the answer. */
  readonly interrupted: boolean;
}

/**
 * Asks for a migration or a gang. Between the request and its answer it is not known what has been started: the first
 * Ctrl-C waits for the answer, the second does not.
 */
export async function awaitStart<V>(
  { environment }: Session,
  ask: (signal: AbortSignal) => Promise<Answered<V>>,
): Promise<Started<V>> {
  const given = new AbortController();
  let interrupted = false;
  const stopListening = environment.onInterrupt(() => {
    if (interrupted) given.abort();
    else
      writeLines(environment.errors, [
        'waiting for the agent to say what it has started; Ctrl-C again does not',
      ]);
    interrupted = true;
  });
  try {
    return { answer: await ask(given.signal), interrupted };
  } catch (error) {
    if (!given.signal.aborted) throw error;
    return { answer: undefined, interrupted };
  } finally {
    stopListening();
  }
}
