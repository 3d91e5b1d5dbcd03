import { closeSync, openSync, readSync, readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

const LONGEST_LINE = 128;
const NS_PER_MS = 1_000_000;

/** The thread that it was opened in, as Linux sees it (proc(5)). */
export class OwnThread {
  readonly #statistics: number | undefined;
  readonly #line = Buffer.alloc(LONGEST_LINE);

  constructor() {
    this.#statistics = attempt(() => openSync('/proc/thread-self/schedstat', 'r'));
  }

  /** Processor time that it has taken so far, ms; undefined where the kernel does not count it. */
  get processorMs(): number | undefined {
    const file = this.#statistics;
    if (file === undefined) return undefined;
    const length = attempt(() => readSync(file, this.#line, 0, LONGEST_LINE, 0)) ?? 0;
    const ns = Number(this.#line.toString('latin1', 0, length).split(' ')[0]);
    return Number.isFinite(ns) && ns > 0 ? ns / NS_PER_MS : undefined;
  }

  /** Lets every thread that wants the processor go first. Answers whether that could be done. */
  yieldToOthers(): boolean {
    const id = attempt(() => Number(readlinkSync('/proc/thread-self').split('/').at(-1)));
    if (id === undefined || !Number.isSafeInteger(id)) return false;
    return (
      attempt(() => {
        setPriority(id, constants.priority.PRIORITY_LOW);
        return true;
      }) ?? false
    );
  }

  close(): void {
    const file = this.#statistics;
    if (file === undefined) return;
    attempt(() => {
      closeSync(file);
    });
  }
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
