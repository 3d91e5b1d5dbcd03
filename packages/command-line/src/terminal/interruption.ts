import type { Environment } from '../environment.js';

export interface InterruptionOptions {
  readonly environment: Environment;
  /** Whether Ctrl-C has come already. */
  readonly interrupted: boolean;
  /** Whether somebody sees a question and can answer it. */
  readonly canAsk: boolean;
  /** What Ctrl-C asks where somebody can answer: whether to detach (d) or cancel (c). */
  readonly question: string;
  /** Shows a question, or takes it away. */
  readonly ask: (question: string | undefined) => void;
  readonly detach: () => void;
  readonly cancel: () => void;
}

/** What Ctrl-C and Ctrl-D are while keys are read one by one. */
const END_KEYS: readonly string[] = ['\x03', '\x04', 'd', 'D', 'q'];

/**
 * What Ctrl-C means while something is watched: a question; the second time, and where nobody can answer, to detach.
 *
 * @returns ends it, and takes an open question away.
 */
export function listenForInterruption(options: InterruptionOptions): () => void {
  const { environment, interrupted, canAsk, question, ask, detach, cancel } = options;
  let stopReading: (() => void) | undefined;
  const close = (): void => {
    if (stopReading === undefined) return;
    stopReading();
    stopReading = undefined;
    ask(undefined);
  };
  const answer = (typed: string): void => {
    const key = typed.slice(0, 1);
    if (END_KEYS.includes(key)) {
      close();
      detach();
    } else if (key === 'c' || key === 'C') {
      close();
      cancel();
    } else if (key === '\r' || key === '\n' || key === '\x1b') close();
  };
  const interrupt = (): void => {
    if (!canAsk || stopReading !== undefined) {
      close();
      detach();
      return;
    }
    stopReading = environment.keys.listen(answer);
    ask(question);
  };
  const stopListening = environment.onInterrupt(interrupt);
  if (interrupted) interrupt();
  return () => {
    close();
    stopListening();
  };
}
