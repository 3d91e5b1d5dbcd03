import type { Environment } from '../../src/environment.js';

export interface TestEnvironmentOptions {
  readonly variables?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Keeps what is written, and types and interrupts when a test says so. */
export class TestEnvironment implements Environment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly rows: number;
  written = '';
  complained = '';
  readonly #interrupted = new Set<() => void>();
  readonly #typed = new Set<(typed: string) => void>();

  constructor({ variables = {}, isTerminal = false, columns = 100, rows = 24 }: TestEnvironmentOptions = {}) {
    this.variables = variables;
    this.isTerminal = isTerminal;
    this.columns = columns;
    this.rows = rows;
  }

  get output() {
    return this.#sink((text) => (this.written += text));
  }

  get errors() {
    return this.#sink((text) => (this.complained += text));
  }

  get keys() {
    return {
      isTerminal: this.isTerminal,
      listen: (listener: (typed: string) => void) => {
        this.#typed.add(listener);
        return () => void this.#typed.delete(listener);
      },
    };
  }

  /** The last line of the standard output, as JSON. */
  get lastJson(): unknown {
    const parsed: unknown = JSON.parse(this.written.trimEnd().split('\n').at(-1) ?? '');
    return parsed;
  }

  onInterrupt(listener: () => void): () => void {
    this.#interrupted.add(listener);
    return () => void this.#interrupted.delete(listener);
  }

  /** Whether anybody still waits for keys or for Ctrl-C. */
  get isListenedTo(): boolean {
    return this.#typed.size + this.#interrupted.size > 0;
  }

  interrupt(): void {
    for (const listener of [...this.#interrupted]) listener();
  }

  type(keys: string): void {
    for (const listener of [...this.#typed]) listener(keys);
  }

  #sink(add: (text: string) => void) {
    return { isTerminal: this.isTerminal, columns: this.columns, rows: this.rows, write: add };
  }
}
