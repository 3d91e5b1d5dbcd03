import { access } from 'node:fs/promises';
import { guestSocketPath } from '@pageferry/daemon';
import { PageferryError, asPageferryError } from '@pageferry/errors';
import { QmpClient, connectDomain, listDomains, type Domain, type QmpOptions } from '@pageferry/qemu';
import type { SourceConfiguration } from './configuration.js';

/** Where guests of this host are found. */
export type GuestPlaces = Pick<SourceConfiguration, 'guestDirectory' | 'libvirtUri' | 'runtimeDirectory'>;

/** How a guest's monitor is reached: by a socket, or by way of libvirt. */
type Guest = { readonly socket: string } | { readonly uuid: string };

export interface ConnectGuestOptions extends QmpOptions {
  /** Whether QEMU's events are needed; over a socket they come anyhow. */
  readonly events?: boolean | undefined;
}

/**
 * A connection to the monitor of a guest of this host. A name belongs to a QMP socket in the directory of guests or, where
 * libvirt is used, to a domain that runs.
 * @throws `guest-not-found`, `guest-state` for a domain that is shut off, `configuration-invalid` for a name that is both,
 *   `libvirt-failed`, and what QMP clients do
 */
export async function connectGuest(
  places: GuestPlaces,
  name: string,
  { events = false, ...options }: ConnectGuestOptions = {},
): Promise<QmpClient> {
  const guest = await findGuest(places, name, options);
  if ('socket' in guest) return QmpClient.connect(guest.socket, options);
  const { libvirtUri: uri, runtimeDirectory: directory } = places;
  return connectDomain({ uri, uuid: guest.uuid, directory, events, ...options });
}

/** Finds a guest and leaves it alone. Errors: as {@link connectGuest}. */
export async function findGuest(
  { guestDirectory, libvirtUri }: GuestPlaces,
  name: string,
  options?: QmpOptions,
): Promise<Guest> {
  const socket = guestSocketPath(guestDirectory, name);
  const missing = await access(socket).then(
    () => undefined,
    (cause: unknown) => asPageferryError(cause, 'guest-not-found'),
  );
  if (libvirtUri !== '') {
    const domain = await domainNamed(libvirtUri, name, missing === undefined, options);
    if (domain?.active === true && missing === undefined) throw ambiguous(name, socket);
    if (domain !== undefined && missing !== undefined) return running(domain);
  }
  if (missing === undefined) return { socket };
  const domainToo = libvirtUri === '' ? '' : `, and ${libvirtUri} knows no such domain`;
  throw new PageferryError(
    'guest-not-found',
    `there is no guest "${name}" here: ${socket} does not exist${domainToo}`,
    { cause: missing },
  );
}

/** @param dispensable a guest with a socket of its own does not depend on libvirt */
async function domainNamed(
  uri: string,
  name: string,
  dispensable: boolean,
  options?: QmpOptions,
): Promise<Domain | undefined> {
  try {
    return (await listDomains(uri, options)).find((domain) => domain.name === name);
  } catch (thrown) {
    options?.signal?.throwIfAborted();
    if (dispensable) return undefined;
    throw thrown;
  }
}

function running({ name, uuid, active }: Domain): Guest {
  if (active) return { uuid };
  throw new PageferryError(
    'guest-state',
    `the libvirt domain "${name}" is shut off: there is no guest to migrate`,
  );
}

function ambiguous(name: string, socket: string): PageferryError {
  return new PageferryError(
    'configuration-invalid',
    `"${name}" is both a libvirt domain that runs and the socket ${socket}: remove the socket, or rename one of them`,
  );
}
