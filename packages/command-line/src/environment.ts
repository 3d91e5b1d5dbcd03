/** Where the command writes to. */
export interface Sink {
  /** Whether a person looks at it. */
  readonly isTerminal: boolean;
  /** Columns of the terminal. */
  readonly columns: number;
  /** Lines of the terminal. */
  readonly rows: number;
  write(text: string): void;
}

/** Single keys, read as they are pressed. */
export interface Keys {
  readonly isTerminal: boolean;
  /** Calls `listener` with what is typed, without waiting for the end of a line, until the returned function is called. */
  listen(listener: (typed: string) => void): () => void;
}

/** All that the command touches besides the network and the host's files. */
export interface Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly output: Sink;
  readonly errors: Sink;
  readonly keys: Keys;
  /** Calls `listener` at each Ctrl-C, instead of ending the process, until the returned function is called. */
  onInterrupt(listener: () => void): () => void;
}
