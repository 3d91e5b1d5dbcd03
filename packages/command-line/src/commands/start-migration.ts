import type { MigrationAnswer, MigrationRequest } from '../api/client.js';
import type { Session } from '../session.js';
import { writeLines } from '../view/migration-view.js';

export interface Started {
  /** Undefined if nobody wanted to wait for it. */
  readonly answer: MigrationAnswer | undefined;
  /** Whether Ctrl-C came before the answer. */
  readonly interrupted: boolean;
}

/**
 * Asks for a migration. Between the request and its answer it is not known what has been started: the first Ctrl-C waits
 * for the answer, the second does not.
 */
export async function startMigration(session: Session, request: MigrationRequest): Promise<Started> {
  const { environment, client } = session;
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
    return { answer: await client.migrate(request, given.signal), interrupted };
  } catch (error) {
    if (!given.signal.aborted) throw error;
    return { answer: undefined, interrupted };
  } finally {
    stopListening();
  }
}
