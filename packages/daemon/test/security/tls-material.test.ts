import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PageferryError } from '@pageferry/errors';
import { describe, expect, it } from 'vitest';
import { readTlsMaterial, type TlsFiles, type TlsMaterial } from '../../src/index.js';
import { TestAuthority, type Issued } from '../support/certificates.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

interface Prepared {
  readonly directory: string;
  readonly authority: TestAuthority;
  readonly host: Issued;
}

async function prepare(days?: number): Promise<Prepared> {
  const directory = await temporaryDirectory();
  const authority = await TestAuthority.create(directory);
  return { directory, authority, host: await authority.issue('host', ['DNS:host.test'], days) };
}

const files = (certificate: string, key: string, authority: string): TlsFiles => ({
  certificate: { setting: 'tlsCertificate', value: certificate },
  key: { setting: 'tlsKey', value: key },
  authority: { setting: 'tlsAuthority', value: authority },
});

function read(certificate: string, key: string, authority: string): TlsMaterial {
  return readTlsMaterial(files(certificate, key, authority));
}

function findings(...paths: [string, string, string]): readonly string[] {
  try {
    read(...paths);
  } catch (thrown) {
    if (thrown instanceof PageferryError && thrown.code === 'configuration-invalid') return thrown.findings;
    throw thrown;
  }
  return [];
}

describe('readTlsMaterial', () => {
  it('reads what fits together', async () => {
    const { authority, host } = await prepare();
    const material = read(host.certificate, host.key, authority.certificate);
    expect(material).toMatchObject({ ...host.pem, ca: authority.pem });
    expect(material.validUntil).toBeGreaterThan(Date.now());
  });

  it('takes one that has expired: whoever sees it decides', async () => {
    const { authority, host } = await prepare(-1);
    expect(read(host.certificate, host.key, authority.certificate).validUntil).toBeLessThan(Date.now());
  });

  it('finds all that is wrong, by its key', async () => {
    const { directory, host } = await prepare();
    const garbage = join(directory, 'garbage');
    await writeFile(garbage, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    await chmod(host.key, 0o604);
    expect(findings(join(directory, 'none'), host.key, garbage)).toEqual([
      expect.stringMatching(/^tlsCertificate: ENOENT/),
      expect.stringMatching(/^tlsAuthority: .* cannot be used: .*; expected certificates in PEM/),
      expect.stringMatching(/^tlsKey: .*open to every user/),
    ]);
    expect(findings(host.certificate, host.key, host.key)).toContainEqual(
      expect.stringMatching(/^tlsAuthority: .*no certificate in it/),
    );
  });

  it('reads each revocation list of a file by itself', async () => {
    const { directory, authority, host } = await prepare();
    const other = await TestAuthority.create(directory, 'other');
    const lists = [await authority.revoke([host]), await other.revoke([])];
    const file = join(directory, 'lists');
    await writeFile(file, lists.map(({ pem }) => pem).join('\n'));
    const given = files(host.certificate, host.key, authority.certificate);
    const revocationList = { setting: 'tlsRevocationList', value: file };
    expect(readTlsMaterial(given).crl).toBeUndefined();
    expect(readTlsMaterial({ ...given, revocationList }).crl).toEqual(lists.map(({ pem }) => pem.trim()));
  });

  it('finds a file without revocation lists, or with one of no use', async () => {
    const { directory, authority, host } = await prepare();
    const given = files(host.certificate, host.key, authority.certificate);
    const garbage = join(directory, 'garbage');
    await writeFile(garbage, '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n');
    for (const value of [authority.certificate, garbage]) {
      const revocationList = { setting: 'tlsRevocationList', value };
      expect(() => readTlsMaterial({ ...given, revocationList })).toThrow(
        /^tlsRevocationList: .* cannot be used: .*; expected revocation lists in PEM$/,
      );
    }
  });

  it('finds a key of another certificate, and shows nothing of it', async () => {
    const { authority, host } = await prepare();
    const other = await authority.issue('other', []);
    const found = findings(host.certificate, other.key, authority.certificate);
    expect(found).toEqual([expect.stringMatching(/^tlsKey: .* is no key in PEM of this certificate/)]);
    expect(found.join()).not.toContain(other.pem.key.split('\n')[1]);
  });
});
