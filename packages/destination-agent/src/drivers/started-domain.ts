import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@pageferry/daemon';
import { PageferryError, abortable, asPageferryError } from '@pageferry/errors';
import { virsh } from '@pageferry/qemu';
import type { WaitingQemu } from './driver.js';
import { incomingDomainXml } from './incoming-domain-xml.js';

/** Libvirt may go on for longer than anybody waits: it first finds out what a QEMU can that is new to it, ms. */
const LATE_TIMEOUT_MS = 120_000;
/** Libvirt gives QEMU 15 s before it kills it, ms. */
const END_TIMEOUT_MS = 25_000;

export interface DomainPlace {
  readonly uri: string;
  readonly uuid: string;
  /** Of QEMU's monitor. */
  readonly socket: string;
  /** For the definition, as long as libvirt reads it. */
  readonly directory: string;
  readonly log: Logger;
}

export interface StartedDomainOptions extends DomainPlace {
  /** How long the domain is waited for. */
  readonly startSeconds: number;
  /** Called when libvirt may still start the domain; resolves when there is none of it left. */
  readonly onLate: (ended: Promise<void>) => void;
}

/** A domain that was started to wait for a guest. */
export class StartedDomain implements WaitingQemu {
  readonly #options: StartedDomainOptions;
  /** Of this run of the domain, so that a later one is told apart from it. */
  readonly #runNumber: string;

  private constructor(options: StartedDomainOptions, runNumber: string) {
    this.#options = options;
    this.#runNumber = runNumber;
  }

  get socket(): string {
    return this.#options.socket;
  }

  /** Errors: `driver-failed`, `guest-state`, the signal's reason. */
  static async start(options: StartedDomainOptions, signal: AbortSignal): Promise<StartedDomain> {
    try {
      await refuseSavedState(options, signal);
      const asked = ['dumpxml', '--inactive', '--security-info', options.uuid];
      const definition = await virsh(options.uri, asked, { signal });
      await create(options, incomingDomainXml(definition, options.socket), signal);
      return new StartedDomain(options, await runNumberOf(options));
    } catch (thrown) {
      const error = asPageferryError(thrown);
      throw error.code === 'libvirt-failed' ? driverFailed(error) : error;
    }
  }

  /** Ends a domain that waits for a guest in a QEMU of this agent's, and nothing else. Error: `libvirt-failed`. */
  static async endWaiting(options: DomainPlace): Promise<void> {
    const { uri, uuid, log } = options;
    const state = await virsh(uri, ['qemu-monitor-command', uuid, '{"execute":"query-status"}']);
    const definition = await virsh(uri, ['dumpxml', uuid]);
    if (!state.includes('"inmigrate"') || !definition.includes(options.socket)) return;
    await destroy(options);
    log.info({ uuid }, 'a libvirt domain that waited for a guest was ended');
  }

  async release(): Promise<boolean> {
    const { uuid, log } = this.#options;
    try {
      if ((await runNumberOf(this.#options)) === this.#runNumber) await destroy(this.#options);
      return true;
    } catch (thrown) {
      // One that has ended meanwhile cannot be ended.
      const runNumber = await runNumberOf(this.#options).catch(() => undefined);
      if (runNumber !== undefined && runNumber !== this.#runNumber) return true;
      log.error({ err: thrown, uuid }, 'a libvirt domain that was started for a guest may be left');
      return false;
    }
  }
}

/**
 * Not to be cancelled: nobody would know then whether libvirt starts the domain. One that starts too late is ended, and is
 * what {@link StartedDomainOptions.onLate} is told to wait for.
 */
async function create(options: StartedDomainOptions, definition: string, signal: AbortSignal): Promise<void> {
  const creating = createFrom(options, definition);
  try {
    await abortable(signal, creating);
  } catch (thrown) {
    options.onLate(endLate(options, creating));
    throw thrown;
  }
}

async function createFrom(
  { uri, directory, socket, startSeconds }: StartedDomainOptions,
  definition: string,
): Promise<void> {
  const timeoutMs = startSeconds * 1000 + LATE_TIMEOUT_MS;
  const path = join(directory, `${randomUUID()}.xml`);
  try {
    await rm(socket, { force: true });
    // It has the passwords of the domain's displays.
    await writeFile(path, definition, { mode: 0o600 });
    await virsh(uri, ['create', '--paused', path], { timeoutMs });
  } finally {
    await rm(path, { force: true });
  }
}

/** Never rejects. */
async function endLate(options: DomainPlace, creating: Promise<void>): Promise<void> {
  const { log, uuid } = options;
  try {
    await creating;
  } catch {
    // Not started at all.
    return;
  }
  await StartedDomain.endWaiting(options).catch((thrown: unknown) => {
    log.error({ err: thrown, uuid }, 'a libvirt domain that was started too late may be left');
  });
}

/** After the migration, the next start of the domain would go on with a state of before it. */
async function refuseSavedState({ uri, uuid }: DomainPlace, signal: AbortSignal): Promise<void> {
  const info = await virsh(uri, ['dominfo', uuid], { signal });
  if (!/^Managed save:\s+yes$/m.test(info)) return;
  throw new PageferryError(
    'guest-state',
    `the libvirt domain has a saved state there, which a guest that comes in would make stale: virsh managedsave-remove ${uuid}`,
  );
}

/** `-` for a domain that is shut off. */
async function runNumberOf({ uri, uuid }: DomainPlace): Promise<string> {
  return (await virsh(uri, ['domid', uuid])).trim();
}

async function destroy({ uri, uuid }: DomainPlace): Promise<void> {
  await virsh(uri, ['destroy', uuid], { timeoutMs: END_TIMEOUT_MS });
}

function driverFailed(cause: PageferryError): PageferryError {
  const hint = cause.message.includes('Permission denied')
    ? ": QEMU's user, and its AppArmor or SELinux policy, must allow it the runtimeDirectory; see docs/libvirt.md"
    : '';
  return new PageferryError('driver-failed', cause.message + hint, { cause });
}
