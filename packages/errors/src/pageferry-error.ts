import { errorTable, isErrorCode, type ErrorCode } from './table.js';

/** The side of a migration on which an error happened. */
export type Host = 'source' | 'destination';

export interface PageferryErrorOptions {
  /** Where it happened; unset where an error is raised below the two agents. */
  readonly host?: Host | undefined;
  /** Every single finding, where there are several (a preflight's list, a configuration's keys). */
  readonly findings?: readonly string[] | undefined;
  readonly cause?: unknown;
}

/** An error with a stable code. Its message says the cause and, where there is one, the way out. */
export class PageferryError extends Error {
  override readonly name = 'PageferryError';
  readonly code: ErrorCode;
  readonly host: Host | undefined;
  readonly findings: readonly string[];

  constructor(code: ErrorCode, message: string, options: PageferryErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.host = options.host;
    this.findings = options.findings ?? [];
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get title(): string {
    return errorTable[this.code].title;
  }

  /** The same error, known to have happened on `host`; an error that already knows its host keeps it. */
  on(host: Host): PageferryError {
    if (this.host !== undefined) return this;
    return new PageferryError(this.code, this.message, { host, findings: this.findings, cause: this.cause });
  }

  /** What crosses the wire and stands in the journal. */
  toJSON(): SerializedError {
    return {
      code: this.code,
      message: this.message,
      ...(this.host === undefined ? {} : { host: this.host }),
      ...(this.findings.length === 0 ? {} : { findings: [...this.findings] }),
    };
  }

  /** The reverse of {@link toJSON}; a code of a newer peer becomes `internal`, its text is kept. */
  static fromJSON(serialized: {
    readonly code: string;
    readonly message: string;
    readonly host?: Host;
    readonly findings?: readonly string[];
  }): PageferryError {
    const known = isErrorCode(serialized.code);
    return new PageferryError(
      known ? serialized.code : 'internal',
      known ? serialized.message : `${serialized.code}: ${serialized.message}`,
      { host: serialized.host, findings: serialized.findings },
    );
  }
}

export interface SerializedError {
  code: ErrorCode;
  message: string;
  host?: Host;
  findings?: string[];
}

/** Anything thrown, as a {@link PageferryError}: what has no code of its own becomes `code`. */
export function asPageferryError(thrown: unknown, code: ErrorCode = 'internal'): PageferryError {
  if (thrown instanceof PageferryError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new PageferryError(code, message, { cause: thrown });
}
