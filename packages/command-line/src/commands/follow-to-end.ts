import { isOver } from '../api/follow.js';
import type { Answered } from '../api/parse-answer.js';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { listenForInterruption } from '../terminal/interruption.js';
import type { Paint } from '../view/colours.js';
import { errorLines } from '../view/problem-lines.js';
import { writeLines, type ProgressView } from '../view/progress-view.js';

export interface FollowToEndOptions {
  /** Whether Ctrl-C has come already. */
  readonly interrupted?: boolean;
}

/** What is followed, a migration or a gang, and what a person is told of it. */
export interface Followed<V> {
  readonly id: string;
  readonly follow: (signal: AbortSignal) => AsyncGenerator<Answered<V>, void>;
  readonly cancel: () => Promise<unknown>;
  /** For `--json`; never rejects. */
  readonly whole: (last: Answered<V> | undefined) => Promise<unknown>;
  readonly openView: () => ProgressView<V>;
  readonly summary: (last: V, paint: Paint) => readonly string[];
  /** That Ctrl-C asks. */
  readonly question: string;
  /** After detaching: what happens to it. */
  readonly goesOn: string;
}

/** Shows how it goes until it is over, or until Ctrl-C and the answer to its question end that. */
export async function followToEnd<V extends { readonly state: string }>(
  session: Session,
  followed: Followed<V>,
  { interrupted = false }: FollowToEndOptions = {},
): Promise<ExitCode> {
  const { environment } = session;
  const view = followed.openView();
  const detached = new AbortController();
  const stopListening = listenForInterruption({
    environment,
    interrupted,
    canAsk: environment.keys.isTerminal && session.isLive,
    question: followed.question,
    ask: (question) => {
      view.ask(question);
    },
    detach: () => {
      detached.abort();
    },
    cancel: () => {
      void cancel(session, view, followed, detached.signal);
    },
  });
  let last: Answered<V> | undefined;
  try {
    for await (const answer of followed.follow(detached.signal)) {
      last = answer;
      view.show(answer.value);
    }
  } catch (error) {
    if (!detached.signal.aborted) throw error;
  } finally {
    stopListening();
    view.close();
  }
  return end(session, followed, last);
}

/** A refusal, as after the hand-over, is shown, and it goes on. */
async function cancel<V>(
  session: Session,
  view: ProgressView<V>,
  followed: Followed<V>,
  detached: AbortSignal,
): Promise<void> {
  try {
    await followed.cancel();
  } catch (error) {
    if (!detached.aborted) view.note(errorLines(error, session.paintFor(session.progressSink)));
  }
}

async function end<V extends { readonly state: string }>(
  session: Session,
  followed: Followed<V>,
  last: Answered<V> | undefined,
): Promise<ExitCode> {
  const { id, goesOn, summary, whole } = followed;
  const sink = session.progressSink;
  const over = last !== undefined && isOver(last.value);
  const lines = over
    ? summary(last.value, session.paintFor(sink))
    : [`detached from ${id}, ${goesOn}: \`pageferry watch ${id}\` follows it again`];
  writeLines(sink, lines);
  if (session.json) session.print(await whole(last), () => []);
  return over ? exitCodeOf(last.value.state) : exitCodes.detached;
}

function exitCodeOf(state: string): ExitCode {
  if (state === 'completed') return exitCodes.done;
  return state === 'cancelled' ? exitCodes.cancelled : exitCodes.failed;
}
