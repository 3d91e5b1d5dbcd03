import { FileReloader, createLogger, loadConfiguration } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { TestAuthority, type Issued } from '../../daemon/test/support/certificates.js';
import { temporaryDirectory } from '../../daemon/test/support/temporary-directory.js';
import { sourceSettings } from '../src/configuration.js';
import { StreamIdentity } from '../src/stream-identity.js';

let authority: TestAuthority;
let host: Issued;

beforeEach(async () => {
  authority = await TestAuthority.create(await temporaryDirectory());
  host = await authority.issue('host', ['DNS:host.test']);
});

function findings(...argv: string[]): readonly string[] {
  try {
    loadConfiguration(sourceSettings, { name: 'x', description: '', version: '1', argv, env: {} });
    return [];
  } catch (thrown) {
    if (thrown instanceof PageferryError && thrown.code === 'configuration-invalid') return thrown.findings;
    throw thrown;
  }
}

function identity(settings: Record<string, string>): StreamIdentity {
  const log = createLogger({ name: 'test', level: 'silent' });
  const reloader = new FileReloader(log);
  onTestFinished(() => {
    reloader.close();
  });
  return new StreamIdentity(settings, reloader, log);
}

describe('the configuration', () => {
  test('has all of TLS or nothing of it', () => {
    const certificate = `--tls-certificate=${host.certificate}`;
    const key = `--tls-key=${host.key}`;
    expect(findings()).toEqual([]);
    expect(findings(certificate, key, `--tls-authority=${authority.certificate}`)).toEqual([]);
    expect(findings(certificate, key)).toEqual([
      'tlsAuthority: is missing; tlsCertificate, tlsKey, tlsAuthority go together',
    ]);
    expect(findings('--tls-key=credential:key')).toHaveLength(2);
  });

  test('has a revocation list only beside the rest of TLS', async () => {
    const list = `--tls-revocation-list=${(await authority.revoke([])).file}`;
    const rest = [
      `--tls-certificate=${host.certificate}`,
      `--tls-key=${host.key}`,
      `--tls-authority=${authority.certificate}`,
    ];
    expect(findings(...rest, list)).toEqual([]);
    expect(findings(list)).toHaveLength(3);
    expect(findings(...rest, `--tls-revocation-list=${host.certificate}`)).toEqual([
      expect.stringMatching(/^tlsRevocationList: .*no revocation list in it/),
    ]);
  });

  test('names files that can be used', () => {
    expect(
      findings(
        `--tls-certificate=${host.key}`,
        '--tls-key=/none',
        `--tls-authority=${authority.certificate}`,
      ),
    ).toEqual([
      expect.stringMatching(/^tlsCertificate: .*no certificate in it/),
      expect.stringMatching(/^tlsKey: ENOENT/),
    ]);
  });
});

describe('a connection', () => {
  const refusedWith = (message: RegExp): unknown => {
    const text: unknown = expect.stringMatching(message);
    return expect.objectContaining({ code: 'peer-not-trusted', host: 'source', message: text });
  };
  const whole = (): StreamIdentity =>
    identity({ tlsCertificate: host.certificate, tlsKey: host.key, tlsAuthority: authority.certificate });

  test('with TLS is made with the certificate of this host', () => {
    expect(whole().for('wss://b.test:7411')).toMatchObject({ ...host.pem, ca: authority.pem });
  });

  test('with TLS believes nobody whose certificate has been revoked, always by the newest list', async () => {
    const { file, pem } = await authority.revoke([]);
    const log = createLogger({ name: 'test', level: 'silent' });
    const reloader = new FileReloader(log, 5);
    onTestFinished(() => {
      reloader.close();
    });
    const settings = {
      tlsCertificate: host.certificate,
      tlsKey: host.key,
      tlsAuthority: authority.certificate,
    };
    const listed = new StreamIdentity({ ...settings, tlsRevocationList: file }, reloader, log);
    expect(listed.for('wss://b.test:7411')).toMatchObject({ crl: [pem.trim()] });
    const newer = await authority.revoke([host]);
    await expect.poll(() => listed.for('wss://b.test:7411')).toMatchObject({ crl: [newer.pem.trim()] });
  });

  test('with TLS is not tried without one', () => {
    expect(() => identity({}).for('wss://b.test:7411')).toThrow(
      refusedWith(/give this agent tlsCertificate/),
    );
  });

  test.each(['ws://127.0.0.1:7411', 'ws://[::1]:7411', 'ws://localhost:7411'])(
    'without TLS to %s stays on this host',
    (url) => {
      expect(whole().for(url)).toBeUndefined();
    },
  );

  test('without TLS to another host is refused where there could be TLS', () => {
    expect(() => whole().for('ws://10.0.0.2:7411')).toThrow(refusedWith(/use wss:\/\/10\.0\.0\.2:7411/));
    expect(identity({}).for('ws://10.0.0.2:7411')).toBeUndefined();
  });
});
