import type { MigrationAnswer } from '../api/client.js';
import { followMigration, isOver } from '../api/follow.js';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { listenForInterruption } from '../terminal/interruption.js';
import { writeLines, type MigrationView } from '../view/migration-view.js';
import { errorLines } from '../view/problem-lines.js';
import { summaryLines } from '../view/summary.js';

/** What is over must not be waited for long. */
const WHOLE_TIMEOUT_MS = 10_000;

export interface FollowToEndOptions {
  /** Whether Ctrl-C has come already. */
  readonly interrupted?: boolean;
}

/** Shows a migration until it is over, or until Ctrl-C and the answer to its question end that. */
export async function followToEnd(
  session: Session,
  id: string,
  { interrupted = false }: FollowToEndOptions = {},
): Promise<ExitCode> {
  const { environment, client } = session;
  const view = session.openView();
  const detached = new AbortController();
  const stopListening = listenForInterruption({
    environment,
    interrupted,
    canAsk: environment.keys.isTerminal && session.isLive,
    ask: (question) => {
      view.ask(question);
    },
    detach: () => {
      detached.abort();
    },
    cancel: () => {
      void cancel(session, view, id, detached.signal);
    },
  });
  let last: MigrationAnswer | undefined;
  try {
    for await (const answer of followMigration(client, id, { signal: detached.signal })) {
      last = answer;
      view.show(answer.value);
    }
  } catch (error) {
    if (!detached.signal.aborted) throw error;
  } finally {
    stopListening();
    view.close();
  }
  return end(session, id, last);
}

/** A refusal, as after the hand-over, is shown, and the migration goes on. */
async function cancel(
  session: Session,
  view: MigrationView,
  id: string,
  detached: AbortSignal,
): Promise<void> {
  try {
    await session.client.steer(id, 'cancel');
  } catch (error) {
    if (!detached.aborted) view.note(errorLines(error, session.paintFor(session.progressSink)));
  }
}

async function end(session: Session, id: string, last: MigrationAnswer | undefined): Promise<ExitCode> {
  const sink = session.progressSink;
  const over = last !== undefined && isOver(last.value);
  const lines = over
    ? summaryLines(last.value, session.paintFor(sink))
    : [`detached from ${id}, which goes on: \`pageferry watch ${id}\` follows it again`];
  writeLines(sink, lines);
  if (session.json) session.print(await wholeOf(session, id, last), () => []);
  return over ? exitCodeOf(last.value.state) : exitCodes.detached;
}

/** An event has only the iterations since the event before it. */
async function wholeOf({ client }: Session, id: string, last: MigrationAnswer | undefined): Promise<unknown> {
  const signal = AbortSignal.timeout(WHOLE_TIMEOUT_MS);
  const answer = await client.migration(id, signal).catch(() => last);
  return answer?.whole ?? { id };
}

function exitCodeOf(state: string): ExitCode {
  if (state === 'completed') return exitCodes.done;
  return state === 'cancelled' ? exitCodes.cancelled : exitCodes.failed;
}
