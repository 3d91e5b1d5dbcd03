import { checkDirectory, guestSocketPath, type Check } from '@pageferry/daemon';
import type { IncomingDriver, WaitingQemu } from './driver.js';

/** QEMUs that someone else has started. A failed migration ends them by their monitor, and only that way. */
export class WaitingDriver implements IncomingDriver {
  readonly starts = false;
  readonly #directory: string;

  /** @param directory with their QMP sockets, `NAME.sock` each */
  constructor(directory: string) {
    this.#directory = directory;
  }

  async provide(guest: string): Promise<WaitingQemu> {
    const socket = guestSocketPath(this.#directory, guest);
    return Promise.resolve({ socket, release: () => Promise.resolve(false) });
  }

  async find(guest: string): Promise<string> {
    return Promise.resolve(guestSocketPath(this.#directory, guest));
  }

  async endLeftOver(): Promise<void> {
    return Promise.resolve();
  }

  async checks(): Promise<Check[]> {
    return [await checkDirectory('guest-directory', this.#directory, false)];
  }
}
