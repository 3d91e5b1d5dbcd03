import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const main = join(import.meta.dirname, '../../dist/main.js');

/** `npm run simulate` as a process. */
export class SimulateProcess {
  readonly #process;
  readonly #closed: Promise<unknown>;
  stdout = '';
  stderr = '';

  constructor(parameters: readonly string[]) {
    this.#process = spawn(process.execPath, [main, ...parameters], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#closed = once(this.#process, 'close');
  }

  kill(signal: 'SIGINT' | 'SIGKILL'): void {
    this.#process.kill(signal);
  }

  /** Resolves when it has said this; fails if it ends without. */
  async said(text: string): Promise<void> {
    while (!this.stdout.includes(text)) {
      await Promise.race([once(this.#process.stdout, 'data'), this.#closed]);
      if (this.#process.exitCode !== null && !this.stdout.includes(text)) throw new Error(this.stderr);
    }
  }

  /** Whether it failed. */
  async ended(): Promise<boolean> {
    await this.#closed;
    return this.#process.exitCode !== 0;
  }
}

/** Runs it to its end. */
export async function runSimulate(
  ...parameters: readonly string[]
): Promise<{ failed: boolean; stdout: string; stderr: string }> {
  const simulate = new SimulateProcess(parameters);
  const failed = await simulate.ended();
  const { stdout, stderr } = simulate;
  return { failed, stdout, stderr };
}
