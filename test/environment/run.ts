import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const maxBuffer = 64 * 1024 * 1024;

/** Where programs are looked for: administrators' tools are not in everyone's `PATH`. */
export const searchPath = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;

/** Runs a program to its end and returns its standard output; a failure's message has what the program said. */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { stdout } = await execute(program, args, {
    encoding: 'utf8',
    maxBuffer,
    timeout: options.timeoutMs ?? 60_000,
    env: { ...process.env, PATH: searchPath, LC_ALL: 'C', ...options.env },
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
  });
  return stdout;
}

export interface RunOptions {
  readonly timeoutMs?: number;
  readonly directory?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end and returns its standard output as it is. */
export async function runForBytes(program: string, args: readonly string[]): Promise<Buffer> {
  const { stdout } = await execute(program, args, { encoding: 'buffer', maxBuffer, timeout: 60_000 });
  return stdout;
}

/** Whether a program ends well; nothing of its output is kept. */
export async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  return run(program, args).then(
    () => true,
    () => false,
  );
}
