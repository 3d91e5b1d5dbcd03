import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { searchPath } from './run.js';
import { onExit } from './on-exit.js';

export interface BoundProcessOptions {
  /** The namespace of `ip netns` to run in; this process's own by default. */
  readonly networkNamespace?: string | undefined;
  readonly stdio?: StdioOptions;
  readonly env?: Readonly<Record<string, string>>;
  readonly directory?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface BoundProcess {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly exited: Promise<Exit>;
}

/**
 * Starts a program that does not outlive this process: the kernel kills it when this one dies, however it dies.
 * The process id is the program's own, in a namespace too.
 */
export async function startBound(
  program: string,
  args: readonly string[],
  options: BoundProcessOptions = {},
): Promise<BoundProcess> {
  const namespace = options.networkNamespace;
  const prefix = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...prefix, program, ...args], {
    stdio: options.stdio ?? 'ignore',
    // In a session of its own: the terminal's Ctrl-C is for this process, which ends its children when it sees fit.
    detached: true,
    env: { ...process.env, PATH: searchPath, ...options.env },
    cwd: options.directory,
  });
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve({ code, signal });
    });
  });
  await once(child, 'spawn');
  if (child.pid === undefined) throw new Error(`${program} has no process`);
  const forget = onExit(() => child.kill('SIGKILL'));
  void exited.then(forget);
  return { process: child, pid: child.pid, exited };
}
