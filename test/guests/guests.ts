import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onExit } from '../environment/on-exit.js';
import { Guest, type GuestOptions } from './guest.js';

/** The guests of one test, in a directory of their own; all of it goes away together. */
export class Guests {
  readonly directory: string;
  readonly #guests: Guest[] = [];
  readonly #forget: () => void;

  private constructor(directory: string) {
    this.directory = directory;
    this.#forget = onExit(() => {
      rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
    });
  }

  static async create(): Promise<Guests> {
    // Short, for the sake of the sockets in it.
    return new Guests(await mkdtemp(join(tmpdir(), 'pageferry-')));
  }

  async start(options: Omit<GuestOptions, 'directory'>): Promise<Guest> {
    const guest = await Guest.start({ ...options, directory: this.directory });
    this.#guests.push(guest);
    return guest;
  }

  /** Ends every guest. */
  async kill(): Promise<void> {
    await Promise.all(this.#guests.splice(0).map((guest) => guest.kill()));
  }

  /** Ends every guest and removes the directory. */
  async close(): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true, maxRetries: 10 });
    this.#forget();
  }
}
