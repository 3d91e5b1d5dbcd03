import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Child {
  readonly process: ChildProcess;
  /** Resolves once standard output has shown `text`. */
  readonly shows: (text: string) => Promise<void>;
  readonly finished: Promise<Finished>;
}

/** Starts a program of this folder in a process of its own, by `command` where more than node is needed. */
export function startChild(
  script: string,
  argv: readonly string[],
  {
    env = {},
    command = [process.execPath],
  }: { env?: Record<string, string>; command?: readonly string[] } = {},
): Child {
  const [program = '', ...rest] = command;
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(program, [...rest, path, ...argv], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const finished = once(child, 'close').then(() => ({ code: child.exitCode, stdout, stderr }));
  const shows = async (text: string): Promise<void> => {
    while (!stdout.includes(text)) {
      const ended = await Promise.race([
        once(child.stdout, 'data').then(() => false),
        finished.then(() => true),
      ]);
      if (ended && !stdout.includes(text)) throw new Error(`ended without ${text}: ${stdout}${stderr}`);
    }
  };
  return { process: child, shows, finished };
}
