import { execFile } from 'node:child_process';
import { env } from 'node:process';
import { promisify } from 'node:util';
import { PageferryError } from '@pageferry/errors';

const execute = promisify(execFile);

const TIMEOUT_MS = 10_000;
const MAX_OUTPUT_BYTES = 4 << 20;

export interface VirshOptions {
  readonly signal?: AbortSignal | undefined;
  /** 10 s unless given. */
  readonly timeoutMs?: number | undefined;
}

/** What virsh is given of this process's environment, and what keeps its answers the same everywhere. */
export function virshEnvironment(): NodeJS.ProcessEnv {
  return {
    PATH: env['PATH'],
    HOME: env['HOME'],
    XDG_RUNTIME_DIR: env['XDG_RUNTIME_DIR'],
    LC_ALL: 'C',
    TERM: 'dumb',
    // Readline repeats each line of input, and would scroll within those that are wider.
    COLUMNS: '1000000',
    // The user's own key bindings are not for us.
    INPUTRC: '/dev/null',
  };
}

/**
 * Runs one command of virsh to its end, and returns what it prints.
 * @param args passed on as they are, by no shell
 * @throws `libvirt-failed` with what virsh says; the signal's reason
 */
export async function virsh(
  uri: string,
  args: readonly string[],
  { signal, timeoutMs = TIMEOUT_MS }: VirshOptions = {},
): Promise<string> {
  signal?.throwIfAborted();
  try {
    const { stdout } = await execute('virsh', ['--quiet', '--connect', uri, ...args], {
      signal,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_OUTPUT_BYTES,
      env: virshEnvironment(),
    });
    return stdout;
  } catch (thrown) {
    signal?.throwIfAborted();
    throw new PageferryError('libvirt-failed', `virsh ${args[0] ?? ''}: ${reasonOf(thrown, timeoutMs)}`, {
      cause: thrown,
    });
  }
}

/** What virsh writes to its standard error, without what leads each line. */
export function saidBy(stderr: string): string {
  return stderr
    .split('\n')
    .map((line) => line.replace(/^error: /, '').trim())
    .filter(Boolean)
    .join('; ');
}

/** @param thrown by `execFile`: with `stderr` if the program ran, `killed` after the timeout */
function reasonOf(thrown: unknown, timeoutMs: number): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if ('code' in thrown && thrown.code === 'ENOENT') return 'there is no virsh here: install libvirt-clients';
  if ('killed' in thrown && thrown.killed === true) return `libvirt did not answer within ${timeoutMs} ms`;
  const said = 'stderr' in thrown ? saidBy(String(thrown.stderr)) : '';
  return said === '' ? thrown.message : said;
}
