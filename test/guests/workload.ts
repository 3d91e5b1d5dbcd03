import { setTimeout as sleep } from 'node:timers/promises';
import { withDeadline } from '../environment/deadline.js';
import { PendingAnswers } from '../environment/pending-answers.js';
import type { Heartbeats } from './heartbeat.js';
import type { SerialPort } from './serial-port.js';
import { answerDeadlineMs, numbersOf } from './workload-answer.js';

export type Content = 'random' | 'text' | 'zero';

export interface Filled {
  readonly pages: number;
  readonly ms: number;
}

/** `zipf`: the r-th of the runs of 8 pages is written 1/r times as often as the first; runs lie scattered. */
export type WritePattern = 'sequential' | 'random' | 'zipf';

export interface WritePlan {
  /** 10^6 bytes of whole pages, all writers together; pages of which only words change count in full. */
  readonly megabytesPerSecond: number;
  /** Where in the filled memory, in percent; all of it by default. */
  readonly startPercent?: number;
  readonly sizePercent?: number;
  /** `random` by default. */
  readonly pattern?: WritePattern;
  /** Whether a page is rewritten as a whole (default) or in a few words. */
  readonly extent?: 'whole' | 'words';
}

export interface MemoryCheck {
  readonly pages: number;
  readonly errors: number;
  readonly ms: number;
}

export interface DiskCheck {
  readonly files: number;
  /** All that went wrong with the files so far, not only now. */
  readonly errors: number;
}

export interface WorkloadStatus {
  /** Pages rewritten by the writers. */
  readonly written: number;
  /** Pages verified, by the writers before each rewrite and by checks. */
  readonly checked: number;
  readonly errors: number;
  /** Files written to the disk. */
  readonly files: number;
  readonly pages: number;
  readonly processors: number;
  /** Milliseconds on the guest's own clock. */
  readonly uptime: number;
}

/** The slowest processor (emulated, shared) that a check or a fill must still get through with. */
const slowestPagesPerMs = 5;
const pagesPerMib = 256;
const retryMs = 250;

// Over all guests, so that an answer that moved to another host with its guest is never taken for another one.
let requests = 0;

function encodePlan(plan: WritePlan): string {
  const { megabytesPerSecond, startPercent = 0, sizePercent = 100 - startPercent } = plan;
  const { pattern = 'random', extent = 'whole' } = plan;
  return [megabytesPerSecond, startPercent, sizePercent, pattern, extent].join(':');
}

/** Controls the program in the guest that fills, rewrites and verifies memory and files. */
export class Workload {
  readonly #port: SerialPort;
  readonly #answers = new PendingAnswers<string>();
  readonly #errors: string[] = [];
  #announceStart: () => void = () => undefined;
  readonly #started = new Promise<void>((resolve) => (this.#announceStart = resolve));

  constructor(port: SerialPort) {
    this.#port = port;
    port.on('line', (line) => {
      this.#receive(line);
    });
  }

  /** What the guest found wrong and reported by itself: its first findings, one line each. */
  get reportedErrors(): readonly string[] {
    return this.#errors;
  }

  /** Waits until the workload of a booting guest has started. */
  async waitUntilStarted(timeoutMs: number): Promise<void> {
    await withDeadline(this.#started, timeoutMs, 'the start of the workload');
  }

  /** Asks until there is an answer: what is sent to a guest that is not here yet may be lost. */
  async waitUntilAnswering(timeoutMs: number): Promise<WorkloadStatus> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      try {
        return await this.status(retryMs);
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await sleep(retryMs / 10);
      }
    }
  }

  /** Sends one command and returns what follows `ok` in its answer. */
  async command(line: string, timeoutMs = answerDeadlineMs): Promise<string> {
    const request = String(++requests);
    const send = (): void => {
      this.#port.send(`${request} ${line}`);
    };
    const answer = await this.#answers.request(request, send, timeoutMs, `the guest's answer to "${line}"`);
    const [outcome, ...rest] = answer.split(' ');
    if (outcome !== 'ok') throw new Error(`the guest refused "${line}": ${rest.join(' ')}`);
    return rest.join(' ');
  }

  /** Fills more of the memory; every page tells its number and version and verifies itself. */
  async fill(mebibytes: number, seed = 1, content: Content = 'random'): Promise<Filled> {
    const timeoutMs = answerDeadlineMs + (mebibytes * pagesPerMib) / slowestPagesPerMs;
    const number = numbersOf(await this.command(`fill ${mebibytes} ${seed} ${content}`, timeoutMs));
    return { pages: number('pages'), ms: number('ms') };
  }

  /** Lets a process fill so much memory with incompressible pages, and end: free pages that are not zero. */
  async useAndFree(mebibytes: number): Promise<void> {
    await this.command(
      `useandfree ${mebibytes}`,
      answerDeadlineMs + (mebibytes * pagesPerMib) / slowestPagesPerMs,
    );
  }

  /** Rewrites pages from now on, by up to four plans at once; each page is verified before. */
  async write(...plans: readonly WritePlan[]): Promise<void> {
    await this.command(['write', ...plans.map(encodePlan)].join(' '));
  }

  /** Lets each writer beat so often, instead of every 2 ms: over an emulated port that takes a tenth of a processor. */
  async beatEvery(milliseconds: number): Promise<void> {
    await this.command(`beat ${milliseconds}`);
  }

  async stopWriting(): Promise<void> {
    await this.write();
  }

  /** Verifies all filled memory, also while it is being rewritten. */
  async check(timeoutMs?: number): Promise<MemoryCheck> {
    const deadline = timeoutMs ?? answerDeadlineMs + (await this.status()).pages / slowestPagesPerMs;
    const number = numbersOf(await this.command('check', deadline));
    return { pages: number('pages'), errors: number('errors'), ms: number('ms') };
  }

  async status(timeoutMs?: number): Promise<WorkloadStatus> {
    const number = numbersOf(await this.command('status', timeoutMs));
    return {
      written: number('written'),
      checked: number('checked'),
      errors: number('errors'),
      files: number('files'),
      pages: number('pages'),
      processors: number('processors'),
      uptime: number('uptime'),
    };
  }

  /** Starts or stops writing and verifying files on the disk. */
  async disk(state: 'on' | 'off'): Promise<void> {
    await this.command(`disk ${state}`);
  }

  /** Verifies all files as they are on the disk, past the guest's page cache. */
  async checkDisk(): Promise<DiskCheck> {
    const number = numbersOf(await this.command('diskcheck', 2 * answerDeadlineMs));
    return { files: number('files'), errors: number('errors') };
  }

  /** Runs a command line in the guest's busybox shell; its output goes to the console. Returns its wait status. */
  async shell(commandLine: string, timeoutMs?: number): Promise<number> {
    return numbersOf(await this.command(`shell ${commandLine}`, timeoutMs))('status');
  }

  /** The first line that a command line prints; an error if it fails. */
  async output(commandLine: string, timeoutMs?: number): Promise<string> {
    const [status, ...words] = (await this.command(`output ${commandLine}`, timeoutMs)).split(' ');
    if (status !== 'status=0') throw new Error(`"${commandLine}" has failed in the guest: ${status ?? ''}`);
    return words.join(' ');
  }

  async poweroff(): Promise<void> {
    await this.command('poweroff');
  }

  /** When the writers made progress, as it was seen on this host. */
  heartbeats(): Promise<Heartbeats> {
    return this.#port.heartbeats();
  }

  #receive(line: string): void {
    const [first = '', ...rest] = line.split(' ');
    if (line === 'ready') this.#announceStart();
    else if (first === 'error') this.#errors.push(line);
    else this.#answers.deliver(first, rest.join(' '));
  }
}
