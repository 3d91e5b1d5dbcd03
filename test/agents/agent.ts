import { NODE_ENVIRONMENT, NODE_FLAGS, PROCESSOR_WEIGHT } from '@pageferry/daemon';
import { chown, mkdir, open } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { execPath } from 'node:process';
import type { BoundProcess, Exit } from '../environment/bound-process.js';
import { eventually, withDeadline } from '../environment/deadline.js';
import { repository } from '../environment/paths.js';
import { giveProcessorWeight } from '../environment/processor-weight.js';
import { numberOf, stringOf, type Fields } from '../environment/values.js';
import type { Host } from '../hosts/host.js';
import { asAccount, type Account } from './account.js';
import { readLogLines } from './log-lines.js';

export interface AgentOptions {
  readonly host: Host;
  /** Where the agent finds guests; a folder in it is for the agent's own files. */
  readonly guestDirectory: string;
  /** More flags of its command line. */
  readonly flags?: readonly string[] | undefined;
  /** Another one than that of its package. */
  readonly program?: string | undefined;
  /** Whom it runs as: this process's own account by default. */
  readonly account?: Account | undefined;
}

const startDeadlineMs = 20_000;
/** Between two looks into the log, all of which is read each time. */
const startPollMs = 25;
/** A little longer than what a daemon takes for itself. */
const stopDeadlineMs = 35_000;

/** One of the daemons, as a process of its own on a test host. */
export abstract class Agent {
  readonly host: Host;
  readonly logFile: string;
  /** Of its journals. */
  readonly stateDirectory: string;
  readonly #directories: readonly string[];
  readonly #program: string;
  readonly #flags: readonly string[];
  readonly #account: Account | undefined;
  #process: BoundProcess | undefined;
  #ready: Fields = {};
  #starts = 0;

  /** @param name of its package */
  protected constructor(name: string, { host, guestDirectory, flags = [], program, account }: AgentOptions) {
    this.host = host;
    const directory = join(guestDirectory, name);
    this.logFile = join(directory, 'log');
    this.stateDirectory = join(directory, 'state');
    this.#directories = [guestDirectory, directory];
    this.#account = account;
    this.#program = program ?? join(repository, 'packages', name, 'dist', 'main.js');
    this.#flags = [
      ...['--guest-directory', guestDirectory],
      ...['--state-directory', this.stateDirectory],
      ...['--runtime-directory', join(directory, 'run')],
      ...flags,
    ];
  }

  get pid(): number {
    return this.#running.pid;
  }

  get exited(): Promise<Exit> {
    return this.#running.exited;
  }

  /** Everything that it has logged, over all its starts. */
  async logLines(): Promise<Fields[]> {
    return readLogLines(this.logFile);
  }

  /** A connection to its API. */
  async connect(): Promise<Socket> {
    return this.host.connect(Number(new URL(stringOf(this.#ready, 'api')).port));
  }

  /** Has the kernel end it, with no chance to clean up. */
  async kill(): Promise<void> {
    this.#running.process.kill('SIGKILL');
    await this.exited;
  }

  /** Asks it to end, as systemd does. */
  async stop(): Promise<Exit> {
    this.#running.process.kill('SIGTERM');
    return withDeadline(this.exited, stopDeadlineMs, `the end of ${this.#program}`);
  }

  /** Starts it again after {@link kill} or {@link stop}, with the same files and at the same addresses. */
  async restart(): Promise<void> {
    await this.start();
  }

  protected async start(): Promise<void> {
    await mkdir(join(this.logFile, '..'), { recursive: true });
    const log = await open(this.logFile, 'a');
    const stdio = ['ignore', log.fd, log.fd] as const;
    const args = [...NODE_FLAGS, this.#program, ...this.#flags, ...this.addressFlags(this.#ready)];
    const command = await this.#command([execPath, ...args]);
    this.#process = await this.host.start(...command, { stdio: [...stdio], env: NODE_ENVIRONMENT });
    await log.close();
    await giveProcessorWeight(this.#process.pid, PROCESSOR_WEIGHT);
    this.#starts++;
    this.#ready = await this.#untilReady();
  }

  /** The flags for the addresses: what `ready`, the line logged at the last start, says; free ones at the first. */
  protected addressFlags(ready: Fields): string[] {
    const api = ready['api'];
    return ['--api-port', typeof api === 'string' ? new URL(api).port : '0'];
  }

  protected get streamPort(): number {
    return numberOf(this.#ready, 'streamPort');
  }

  async #command(words: readonly [string, ...string[]]): Promise<readonly [string, readonly string[]]> {
    const [program, ...args] = words;
    if (this.#account === undefined) return [program, args];
    const { uid, gid } = this.#account;
    for (const directory of this.#directories) await chown(directory, uid, gid);
    return asAccount(this.#account, words);
  }

  get #running(): BoundProcess {
    if (this.#process === undefined) throw new Error(`${this.#program} has not been started`);
    return this.#process;
  }

  async #untilReady(): Promise<Fields> {
    let over = false;
    void this.exited.then(() => (over = true));
    return eventually(
      async () => {
        const lines = await this.logLines();
        if (over) throw new Error(`${this.#program} ended at its start: ${JSON.stringify(lines.slice(-5))}`);
        return lines.filter(({ msg }) => msg === 'ready')[this.#starts - 1];
      },
      startDeadlineMs,
      `the start of ${this.#program}`,
      startPollMs,
    );
  }
}
