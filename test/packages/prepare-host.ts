import { readFile } from 'node:fs/promises';
import type { HostFiles } from './certificates.js';
import type { Container } from './container.js';

/** Adds to a unit what an operator would by `systemctl edit`. */
export async function dropIn(container: Container, unit: string, text: string, name = 'test'): Promise<void> {
  await container.write(`etc/systemd/system/${unit}.d/${name}.conf`, text);
  await container.run('systemctl', 'daemon-reload');
}

/** TLS with a key that only root may read: the service gets it as a credential. */
export async function secure(
  container: Container,
  unit: string,
  { authority, certificate, key }: HostFiles,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  await container.write('etc/pageferry/authority.pem', authority);
  await container.write('etc/pageferry/certificate.pem', certificate);
  await container.write('etc/pageferry/key.pem', key, 0o600);
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  await container.write(`etc/default/${unit}`, lines.join(''));
  await dropIn(container, `${unit}.service`, '[Service]\nLoadCredential=key:/etc/pageferry/key.pem\n', 'key');
  await container.run('systemctl', 'restart', unit);
}

/** As udev does where there is one. */
export async function makeUserfaultfd(container: Container, group: string): Promise<void> {
  const minor = /^\s*(\d+) userfaultfd$/m.exec(await readFile('/proc/misc', 'utf8'))?.[1];
  if (minor === undefined) throw new Error('this kernel has no /dev/userfaultfd');
  await container.run('mknod', '-m', '0660', '/dev/userfaultfd', 'c', '10', minor);
  await container.run('chgrp', group, '/dev/userfaultfd');
}
