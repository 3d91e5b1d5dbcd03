import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../environment/run.js';

const days = ['-days', '2'];
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** What a host proves itself with, and believes others by, PEM. */
export interface HostFiles {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** An authority of its own, and a certificate for each host, by its name and address. */
export async function certificatesFor(
  hosts: Readonly<Record<'source' | 'destination', string>>,
): Promise<Record<'source' | 'destination', HostFiles>> {
  const directory = await mkdtemp(join(tmpdir(), 'pf-certificates-'));
  const file = (name: string): string => join(directory, name);
  try {
    await run('openssl', [
      ...['req', '-x509', ...newKey, ...days, '-subj', '/CN=pageferry test'],
      ...['-keyout', file('ca.key'), '-out', file('ca.pem')],
    ]);
    const issue = async (name: 'source' | 'destination'): Promise<HostFiles> => {
      await run('openssl', [
        ...[
          'req',
          ...newKey,
          '-subj',
          `/CN=${name}`,
          '-keyout',
          file(`${name}.key`),
          '-out',
          file(`${name}.csr`),
        ],
      ]);
      await writeFile(file(`${name}.ext`), `subjectAltName=DNS:${name}.test,IP:${hosts[name]}\n`);
      await run('openssl', [
        ...['x509', '-req', ...days, '-in', file(`${name}.csr`), '-out', file(`${name}.pem`)],
        ...[
          '-CA',
          file('ca.pem'),
          '-CAkey',
          file('ca.key'),
          '-CAcreateserial',
          '-extfile',
          file(`${name}.ext`),
        ],
      ]);
      return {
        authority: await readFile(file('ca.pem'), 'utf8'),
        certificate: await readFile(file(`${name}.pem`), 'utf8'),
        key: await readFile(file(`${name}.key`), 'utf8'),
      };
    };
    return { source: await issue('source'), destination: await issue('destination') };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
