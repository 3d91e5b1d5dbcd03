import type { Sink } from '../environment.js';

/** Shows what goes on, a migration or a gang, as it goes on. */
export interface ProgressView<T> {
  show(now: T): void;
  /** Adds lines that stay. */
  note(lines: readonly string[]): void;
  /** Shows a question until it is given another one, or none. */
  ask(question: string | undefined): void;
  /** Takes away what does not stay. */
  close(): void;
}

export const writeLines = (sink: Sink, lines: readonly string[]): void => {
  if (lines.length > 0) sink.write(`${lines.join('\n')}\n`);
};
