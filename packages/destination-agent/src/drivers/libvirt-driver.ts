import { guestSocketPath, type Check, type Logger } from '@pageferry/daemon';
import { PageferryError, asPageferryError } from '@pageferry/errors';
import { findDomain, listDomains, type Domain } from '@pageferry/qemu';
import type { IncomingDriver, WaitingQemu } from './driver.js';
import { StartedDomain, type DomainPlace } from './started-domain.js';

export interface LibvirtDriverOptions {
  /** Of the libvirt of this host. */
  readonly uri: string;
  /** For QEMU's monitors and, for a moment, the definitions. */
  readonly directory: string;
  /** Until libvirt has started the domain. */
  readonly startSeconds: number;
  readonly log: Logger;
}

/**
 * QEMUs that libvirt starts, of domains that are defined on this host and shut off. The definition stays as it is: only the
 * domain that is started from it waits for a guest, until it is shut off.
 */
export class LibvirtDriver implements IncomingDriver {
  readonly starts = true;
  readonly #uri: string;
  readonly #directory: string;
  readonly #startSeconds: number;
  readonly #log: Logger;
  /** Guests whose domains are being started. */
  readonly #starting = new Set<string>();

  constructor({ uri, directory, startSeconds, log }: LibvirtDriverOptions) {
    this.#uri = uri;
    this.#directory = directory;
    this.#startSeconds = startSeconds;
    this.#log = log;
  }

  async provide(guest: string, signal: AbortSignal): Promise<WaitingQemu> {
    const socket = this.#socketOf(guest);
    if (this.#starting.has(guest)) {
      throw new PageferryError('guest-busy', `the libvirt domain "${guest}" is being started`);
    }
    this.#starting.add(guest);
    const late = AbortSignal.timeout(this.#startSeconds * 1000);
    let ended: Promise<void> = Promise.resolve();
    const onLate = (promise: Promise<void>): void => {
      ended = promise;
    };
    try {
      const inTime = AbortSignal.any([signal, late]);
      const domain = await this.#shutOffDomain(guest, inTime);
      const place = this.#options(domain, socket);
      const options = { ...place, startSeconds: this.#startSeconds, onLate };
      const started = await StartedDomain.start(options, inTime);
      this.#log.info({ guest, uuid: domain.uuid }, 'a libvirt domain was started for a guest');
      return started;
    } catch (thrown) {
      if (late.aborted && !signal.aborted) throw this.#tookTooLong(guest, thrown);
      throw thrown;
    } finally {
      void ended.then(() => this.#starting.delete(guest));
    }
  }

  async find(guest: string, signal?: AbortSignal): Promise<string | undefined> {
    const socket = this.#socketOf(guest);
    // A list asks libvirt alone.
    const domains = await this.#ask(() => listDomains(this.#uri, { signal }));
    return domains.some(({ name, active }) => active && name === guest) ? socket : undefined;
  }

  async endLeftOver(guest: string): Promise<void> {
    try {
      const socket = this.#socketOf(guest);
      const domain = await findDomain(this.#uri, guest);
      if (domain.active) await StartedDomain.endWaiting(this.#options(domain, socket));
    } catch (thrown) {
      if (asPageferryError(thrown).code === 'guest-not-found') return;
      this.#log.error({ err: thrown, guest }, 'a libvirt domain that an earlier run has started may be left');
    }
  }

  async checks(): Promise<Check[]> {
    const name = 'libvirt';
    try {
      const domains = await listDomains(this.#uri);
      const waiting = domains.filter(({ active }) => !active).length;
      return [{ name, ok: true, detail: `${this.#uri}: guests can come into ${waiting} domains` }];
    } catch (thrown) {
      return [{ name, ok: false, detail: `${this.#uri}: ${asPageferryError(thrown).message}` }];
    }
  }

  async #shutOffDomain(guest: string, signal: AbortSignal): Promise<Domain> {
    try {
      const domain = await this.#ask(() => findDomain(this.#uri, guest, { signal }));
      if (!domain.active) return domain;
    } catch (thrown) {
      if (asPageferryError(thrown).code !== 'guest-not-found') throw thrown;
      throw new PageferryError(
        'guest-not-found',
        `${asPageferryError(thrown).message}: define it there first, by virsh define`,
        { cause: thrown },
      );
    }
    throw new PageferryError(
      'guest-busy',
      `the libvirt domain "${guest}" runs there already: shut it off first`,
    );
  }

  /** Errors of libvirt's are this driver's. */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (thrown) {
      const error = asPageferryError(thrown);
      if (error.code !== 'libvirt-failed') throw thrown;
      throw new PageferryError('driver-failed', `${this.#uri}: ${error.message}`, { cause: error });
    }
  }

  #options({ uuid }: Domain, socket: string): DomainPlace {
    return { uri: this.#uri, uuid, socket, directory: this.#directory, log: this.#log };
  }

  #socketOf(guest: string): string {
    return guestSocketPath(this.#directory, guest);
  }

  #tookTooLong(guest: string, cause: unknown): PageferryError {
    return new PageferryError(
      'driver-failed',
      `libvirt did not start the domain "${guest}" within ${this.#startSeconds} s (qemuStartSeconds): ` +
        "try again, libvirtd's log says more",
      { cause },
    );
  }
}
