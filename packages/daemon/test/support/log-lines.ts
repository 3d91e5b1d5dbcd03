import { createLogger, type LogLevel, type Logger } from '../../src/index.js';

/** A log that keeps its lines for a test to look at. */
export function recordingLog(level: LogLevel = 'trace'): { log: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const destination = {
    write: (line: string): void => {
      const parsed: unknown = JSON.parse(line);
      if (typeof parsed === 'object' && parsed !== null) lines.push({ ...parsed });
    },
  };
  return { log: createLogger({ name: 'test', level, destination }), lines };
}
