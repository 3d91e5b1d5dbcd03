import { execFile } from 'node:child_process';
import { env } from 'node:process';
import { promisify } from 'node:util';
import { PageferryError } from '@pageferry/errors';

const execute = promisify(execFile);

export interface SystemdToolOptions {
  /** Ends the program, not what systemd does by then. */
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/**
 * Runs a program of systemd's, and returns what it says. Error: `driver-failed`, or the signal's reason.
 * @param options of the program, which messages leave out
 */
export async function systemdTool(
  program: 'systemctl' | 'busctl',
  options: readonly string[],
  args: readonly string[],
  { signal, timeoutMs }: SystemdToolOptions,
): Promise<string> {
  try {
    const { stdout } = await execute(program, [...options, ...args], {
      signal,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      env: { PATH: env['PATH'], LC_ALL: 'C' },
    });
    return stdout;
  } catch (thrown) {
    signal?.throwIfAborted();
    const message = `${program} ${args.join(' ')}: ${reasonOf(thrown, timeoutMs)}`;
    throw new PageferryError('driver-failed', message, { cause: thrown });
  }
}

/** Whether the program has not come to its end in time: what it asked for may still happen. */
export function timedOut(thrown: unknown): boolean {
  return thrown instanceof PageferryError && wasKilled(thrown.cause);
}

function wasKilled(cause: unknown): boolean {
  return cause instanceof Error && 'killed' in cause && cause.killed === true;
}

/** @param thrown by `execFile`: with `stderr` if the program ran */
function reasonOf(thrown: unknown, timeoutMs: number): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (wasKilled(thrown)) return `it took longer than ${timeoutMs} ms`;
  const said = 'stderr' in thrown ? String(thrown.stderr).trim() : '';
  return said === '' ? thrown.message : said;
}
