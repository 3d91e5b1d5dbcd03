import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import { PageferryError, withTimeout } from '@pageferry/errors';

/** Of what a server says, the last of it, in characters. */
const MAX_LAST_WORDS = 2000;
/** A server that has nothing to write back ends at once when it is told to, ms. */
const TERM_TIMEOUT_MS = 1000;
/** A process that waits for storage ends only when that answers, ms. */
const KILL_TIMEOUT_MS = 5000;

const ENVIRONMENT = {
  LC_ALL: 'C',
  // Memory for a read that the allocator gives back to the kernel is faulted in again, page by page, by the next one: that
  // costs more time than the read. Longer than any read, and than all of those in flight.
  MALLOC_MMAP_THRESHOLD_: '4194304',
  MALLOC_TRIM_THRESHOLD_: '33554432',
} as const;

export interface ServerProcessOptions {
  readonly program: string;
  /** Passed on as they are, by no shell. */
  readonly args: readonly string[];
  readonly directory: string;
}

/** A child process of this one that serves an image. */
export class ServerProcess {
  readonly #child: ChildProcessByStdio<null, null, Readable>;
  #lastWords = '';
  #failure: PageferryError | undefined;

  /** Resolves, and never rejects, when the process has ended; with the reason. */
  readonly ended: Promise<PageferryError>;

  constructor({ program, args, directory }: ServerProcessOptions) {
    this.#child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: directory,
      env: { ...process.env, ...ENVIRONMENT },
    });
    this.#child.stderr.on('error', () => undefined);
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-MAX_LAST_WORDS);
    });
    this.ended = new Promise((resolve) => {
      const end = (why: string): void => {
        resolve((this.#failure ??= new PageferryError('storage-unreadable', why)));
      };
      this.#child.once('error', ({ message }) => {
        end(`${program} cannot be started in ${directory}: is qemu-utils installed? (${message})`);
      });
      this.#child.once('close', (code, signal) => {
        end(`${program} has ended (${signal ?? `exit code ${String(code)}`}): ${this.lastWords}`);
      });
    });
  }

  /** Why the process has ended; undefined as long as it has not. */
  get failure(): PageferryError | undefined {
    return this.#failure;
  }

  /** The last of what the process has said, without what leads it. */
  get lastWords(): string {
    return this.#lastWords.replace(/^qemu-nbd: (Failed to blk_new_open '.*?': )?/, '').trim();
  }

  /** Asks the process to end, and waits for that a little. One that has not begun to serve forgets it. Never rejects. */
  async terminate(): Promise<void> {
    if (this.#failure !== undefined) return;
    this.#child.kill('SIGTERM');
    await this.#waitFor(TERM_TIMEOUT_MS);
  }

  /** Ends the process, and waits for its end; not for ever, if storage holds it. Never rejects. */
  async kill(): Promise<void> {
    if (this.#failure !== undefined) return;
    this.#child.kill('SIGKILL');
    await this.#waitFor(KILL_TIMEOUT_MS);
  }

  async #waitFor(timeoutMs: number): Promise<void> {
    await withTimeout(undefined, timeoutMs, 'storage-unreadable', 'it goes on', () => this.ended).catch(
      () => undefined,
    );
  }
}
