import { once } from 'node:events';
import { sleep } from '@pageferry/errors';
import { pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';

export type { Logger };

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  /** The daemon's name, in every line. */
  readonly name: string;
  readonly level: LogLevel;
  /** Where the lines go; standard output if not given. */
  readonly destination?: DestinationStream;
}

/** A log of JSON lines, with the level as a word and the time in ISO 8601. */
export function createLogger({ name, level, destination }: LoggerOptions): Logger {
  const options = {
    name,
    level,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** For a reader who no longer reads, ms. */
const LAST_LINES_TIMEOUT_MS = 1_000;

/** Standard output for a log: a reader who is slow does not keep the daemon from its work. */
export class LogOutput {
  readonly stream = pino.destination({ fd: 1, sync: false });

  /** Resolves when all lines are written, in their order; nothing can be logged any more. */
  async end(): Promise<void> {
    const closed = once(this.stream, 'close');
    this.stream.end();
    await Promise.race([closed, sleep(LAST_LINES_TIMEOUT_MS)]);
  }
}

/** The log of one migration: its id is in every line, on both hosts. */
export function migrationLogger(log: Logger, id: string): Logger {
  return log.child({ migration: id });
}
