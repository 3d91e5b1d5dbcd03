import { FileReloader, createLogger } from '@pageferry/daemon';
import { StreamListener, connectToDestination } from '@pageferry/link';
import { expect, onTestFinished, test } from 'vitest';
import { TestAuthority } from '../../daemon/test/support/certificates.js';
import { temporaryDirectory } from '../../daemon/test/support/temporary-directory.js';
import { openStreamSecurity } from '../src/stream-security.js';

test('a source is let in until its certificate is in the list that the configuration names', async () => {
  const authority = await TestAuthority.create(await temporaryDirectory());
  const host = await authority.issue('host', ['DNS:localhost']);
  const source = await authority.issue('source', ['DNS:a.hosts.test']);
  const log = createLogger({ name: 'test', level: 'silent' });
  const reloader = new FileReloader(log, 5);
  const security = openStreamSecurity(
    {
      streamHost: '127.0.0.1',
      streamTlsCertificate: host.certificate,
      streamTlsKey: host.key,
      streamTlsClientAuthority: authority.certificate,
      streamTlsRevocationList: (await authority.revoke([])).file,
      streamAllowedPeers: ['a.hosts.test'],
    },
    reloader,
    log,
  );
  if (security === undefined) throw new Error('there is no TLS');
  const { identity, allowedPeers } = security;
  const listener = new StreamListener({
    tls: { identity: identity.current, allowedPeers },
    onConnection: ({ socket }) => {
      socket.close();
    },
    onRefused: () => undefined,
    onFailedHandshake: () => undefined,
  });
  identity.onChange((newer) => {
    listener.identity = newer;
  });
  const port = await listener.listen('127.0.0.1', 0);
  onTestFinished(async () => {
    reloader.close();
    await listener.close();
  });
  const connect = async (): Promise<string> => {
    const { signal } = new AbortController();
    const shown = { ...source.pem, ca: authority.pem };
    try {
      (await connectToDestination(`wss://localhost:${port}`, signal, shown)).close();
      return 'let in';
    } catch (thrown) {
      return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'something else';
    }
  };
  expect(await connect()).toBe('let in');
  await authority.revoke([source]);
  await expect.poll(connect).toBe('peer-revoked');
});
