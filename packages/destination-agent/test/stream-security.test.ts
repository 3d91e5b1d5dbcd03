import { chmod } from 'node:fs/promises';
import { loadConfiguration } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import { beforeEach, describe, expect, test } from 'vitest';
import { TestAuthority, type Issued } from '../../daemon/test/support/certificates.js';
import { temporaryDirectory } from '../../daemon/test/support/temporary-directory.js';
import { destinationSettings } from '../src/configuration.js';

let authority: TestAuthority;
let host: Issued;

beforeEach(async () => {
  authority = await TestAuthority.create(await temporaryDirectory());
  host = await authority.issue('host', ['DNS:host.test']);
});

const flags = (): Record<string, string> => ({
  'stream-tls-certificate': host.certificate,
  'stream-tls-key': host.key,
  'stream-tls-client-authority': authority.certificate,
  'stream-allowed-peers': 'a.hosts.test, *.hosts.test, spiffe://test/a',
});

function findings(given: Record<string, string>): readonly string[] {
  const argv = Object.entries(given).map(([flag, value]) => `--${flag}=${value}`);
  try {
    loadConfiguration(destinationSettings, { name: 'x', description: '', version: '1', argv, env: {} });
    return [];
  } catch (thrown) {
    if (thrown instanceof PageferryError && thrown.code === 'configuration-invalid') return thrown.findings;
    throw thrown;
  }
}

describe('the stream may be configured', () => {
  test('with mutual TLS, or on the loopback without', () => {
    expect(findings({ ...flags(), 'stream-host': '10.0.0.2' })).toEqual([]);
    expect(findings({})).toEqual([]);
  });
});

describe('a configuration is refused', () => {
  test.each(['0.0.0.0', '::', '10.0.0.2', 'b.hosts.test'])(
    'by which other hosts could reach a stream without mutual TLS at %s',
    (host) => {
      expect(findings({ 'stream-host': host })).toEqual([
        expect.stringMatching(
          /^streamHost: .* so it takes mutual TLS: give --stream-tls-certificate, .*-peers, or/,
        ),
      ]);
    },
  );

  test.each([
    'stream-tls-certificate',
    'stream-tls-key',
    'stream-tls-client-authority',
    'stream-allowed-peers',
  ])('that has all of mutual TLS but --%s', (missing) => {
    const given = Object.fromEntries(Object.entries(flags()).filter(([flag]) => flag !== missing));
    expect(findings(given)).toEqual([expect.stringMatching(/^stream\w+: is missing; .* go together$/)]);
  });

  test('that has a revocation list without the rest of mutual TLS, or one of no use', async () => {
    const list = (await authority.revoke([])).file;
    expect(findings({ ...flags(), 'stream-tls-revocation-list': list })).toEqual([]);
    expect(findings({ 'stream-tls-revocation-list': list })).toHaveLength(4);
    expect(findings({ ...flags(), 'stream-tls-revocation-list': host.certificate })).toEqual([
      expect.stringMatching(/^streamTlsRevocationList: .*no revocation list in it/),
    ]);
  });

  test('with every name that no peer could have', () => {
    expect(findings({ ...flags(), 'stream-allowed-peers': 'a.test,*,10.0.0.1' })).toEqual([
      'streamAllowedPeers: "*" is neither a DNS name, nor *.DOMAIN, nor a URI',
      'streamAllowedPeers: "10.0.0.1" is neither a DNS name, nor *.DOMAIN, nor a URI',
    ]);
  });

  test('with files of no use', async () => {
    await chmod(host.key, 0o644);
    expect(findings({ ...flags(), 'stream-tls-client-authority': host.key })).toEqual([
      expect.stringMatching(/^streamTlsClientAuthority: .*no certificate in it/),
      expect.stringMatching(/^streamTlsKey: .*open to every user/),
    ]);
  });
});
