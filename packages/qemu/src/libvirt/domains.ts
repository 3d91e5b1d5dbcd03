import { PageferryError } from '@pageferry/errors';
import { virsh, type VirshOptions } from './virsh.js';

/** A domain of libvirt. Commands name it by its UUID: virsh would take a name of digits for a number. */
export interface Domain {
  readonly name: string;
  readonly uuid: string;
  /** It has a QEMU, running or paused. */
  readonly active: boolean;
}

const LINE = /^\s*([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\s+(.+?)\s*$/;

/** All domains that libvirt knows. Error: `libvirt-failed`. */
export async function listDomains(uri: string, options?: VirshOptions): Promise<Domain[]> {
  const active = await list(uri, [], options);
  const inactive = await list(uri, ['--inactive'], options);
  return [
    ...active.map((domain) => ({ ...domain, active: true })),
    ...inactive.map((domain) => ({ ...domain, active: false })),
  ];
}

/** Errors: `guest-not-found`, `libvirt-failed`. */
export async function findDomain(uri: string, name: string, options?: VirshOptions): Promise<Domain> {
  const domain = (await listDomains(uri, options)).find((candidate) => candidate.name === name);
  if (domain !== undefined) return domain;
  throw new PageferryError('guest-not-found', `libvirt (${uri}) knows no domain "${name}"`);
}

async function list(
  uri: string,
  which: readonly string[],
  options?: VirshOptions,
): Promise<{ name: string; uuid: string }[]> {
  const text = await virsh(uri, ['list', '--uuid', '--name', ...which], options);
  return text.split('\n').flatMap((line) => {
    const [, uuid, name] = LINE.exec(line) ?? [];
    return uuid === undefined || name === undefined ? [] : [{ name, uuid }];
  });
}
