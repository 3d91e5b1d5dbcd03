import { PageferryError } from '@pageferry/errors';
import type { IncomingDriver, WaitingQemu } from '../../src/drivers/driver.js';

/** A driver that says it starts QEMUs, has them from elsewhere, and remembers what was asked of it. */
export class FakeDriver implements IncomingDriver {
  readonly starts = true;
  readonly calls: string[] = [];
  readonly #socketOf: (guest: string) => string | undefined;

  /** @param socketOf undefined for a guest without a QEMU */
  constructor(socketOf: (guest: string) => string | undefined) {
    this.#socketOf = socketOf;
  }

  async provide(guest: string): Promise<WaitingQemu> {
    this.calls.push(`provide ${guest}`);
    const socket = this.#socketOf(guest);
    if (socket === undefined) throw new PageferryError('driver-failed', `nothing starts ${guest}`);
    const release = async (): Promise<boolean> => {
      this.calls.push(`release ${guest}`);
      return Promise.resolve(true);
    };
    return Promise.resolve({ socket, release });
  }

  async find(guest: string): Promise<string | undefined> {
    this.calls.push(`find ${guest}`);
    return Promise.resolve(this.#socketOf(guest));
  }

  async endLeftOver(guest: string): Promise<void> {
    this.calls.push(`end ${guest}`);
    return Promise.resolve();
  }

  async checks(): Promise<[]> {
    return Promise.resolve([]);
  }
}
