import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { TestAuthority, type Issued } from '../../daemon/test/support/certificates.js';
import type { LinkIdentity } from '../src/index.js';
import { errorLike } from './support/error-like.js';
import { secured } from './support/secured-peers.js';

const allowed = ['*.hosts.test'];

let directory: string;
let authority: TestAuthority;
let server: Issued;
let client: Issued;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pageferry-link-'));
  authority = await TestAuthority.create(directory);
  server = await authority.issue('server', ['DNS:localhost', 'IP:127.0.0.1']);
  client = await authority.issue('client', ['DNS:a.hosts.test']);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const as = ({ pem }: Issued, ca = authority.pem): Omit<LinkIdentity, 'crl'> => ({ ...pem, ca });

function tcp(port: number): Socket {
  const socket = connectTcp(port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  return socket.on('error', () => undefined).resume();
}

describe('with mutual TLS', () => {
  test('a host with an allowed name connects, by name and by address', async () => {
    const { connect, connections, names, port } = await secured(as(server), allowed);
    for (const url of [`wss://localhost:${port}`, `wss://127.0.0.1:${port}`]) {
      const peer = await connect(as(client), url);
      await peer.send({ type: 'all-sent' });
      expect(await connections.at(-1)?.next(['all-sent'], { timeoutMs: 5_000 })).toEqual({
        type: 'all-sent',
      });
    }
    expect(names).toEqual([['a.hosts.test'], ['a.hosts.test']]);
  });

  test('a host of another name is refused, and both sides know why', async () => {
    const { connect, refusals, connections } = await secured(as(server), allowed);
    const stranger = await authority.issue('stranger', ['DNS:a.elsewhere.test', 'URI:spiffe://test/a']);
    await expect(connect(as(stranger))).rejects.toEqual(
      errorLike(
        'peer-not-trusted',
        /names a\.elsewhere\.test, spiffe:\/\/test\/a, and streamAllowedPeers there does not allow/,
        'destination',
      ),
    );
    expect(refusals).toMatchObject([{ offered: ['a.elsewhere.test', 'spiffe://test/a'] }]);
    expect(connections).toEqual([]);
  });

  test.each([
    ['has expired', () => authority.issue('expired', ['DNS:a.hosts.test'], -1), /CERT_HAS_EXPIRED/],
    ['has no name', () => authority.issue('nameless', []), /has no DNS name or URI/],
    [
      'comes from another authority',
      async () => (await TestAuthority.create(directory, 'other')).issue('foreign', ['DNS:a.hosts.test']),
      /not accepted there: (UNABLE_TO|SELF_SIGNED)/,
    ],
  ])('a host whose certificate %s is refused', async (_what, issue, why) => {
    const { connect, refusals } = await secured(as(server), allowed);
    await expect(connect(as(await issue()))).rejects.toEqual(
      errorLike('peer-not-trusted', why, 'destination'),
    );
    expect(refusals).toHaveLength(1);
  });

  test('a client without a certificate is refused, also if it asks to resume a session', async () => {
    const { port, refusals } = await secured(as(server), allowed);
    let session: Buffer | undefined;
    for (let attempt = 0; attempt < 2; attempt++) {
      const socket = connectTls({ port, host: 'localhost', ca: authority.pem, ...(session && { session }) });
      let reused: boolean | undefined;
      socket.on('session', (offered: Buffer) => (session = offered));
      socket.once('secureConnect', () => (reused = socket.isSessionReused()));
      socket.write('GET /v1/stream HTTP/1.1\r\n\r\n');
      let answer = '';
      for await (const chunk of socket) answer += String(chunk);
      expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
      expect(answer).toContain('it showed no certificate');
      expect(reused).toBe(false);
    }
    expect(refusals).toHaveLength(2);
  });

  test('TLS 1.2 is not spoken', async () => {
    const { port, failures } = await secured(as(server), allowed);
    const socket = connectTls({ port, host: 'localhost', ...as(client), maxVersion: 'TLSv1.2' });
    await expect(once(socket, 'secureConnect')).rejects.toThrow(/protocol version/);
    expect(failures).toEqual(['ERR_SSL_UNSUPPORTED_PROTOCOL']);
  });

  test('a stream without TLS is refused, and the source told what to try', async () => {
    const { port, connect, failures } = await secured(as(server), allowed);
    await expect(connect(undefined, `ws://localhost:${port}`)).rejects.toEqual(
      errorLike('peer-unreachable', /without TLS \(with it: wss:\/\/\)/),
    );
    expect(failures).toEqual(['ERR_SSL_HTTP_REQUEST']);
  });

  test('a new identity is used from the next connection on, and the ones before go on', async () => {
    const { connect, connections, listener } = await secured(as(server), allowed);
    const before = await connect(as(client));
    const next = await TestAuthority.create(directory, 'next');
    const renewed = await next.issue('renewed', ['DNS:localhost']);
    listener.identity = as(renewed, next.pem);
    await expect(connect(as(client))).rejects.toEqual(
      errorLike('peer-not-trusted', /tlsAuthority/, 'source'),
    );
    const renewedClient = await next.issue('renewed-client', ['DNS:b.hosts.test']);
    await connect(as(renewedClient, next.pem));
    expect(connections).toHaveLength(2);
    await before.send({ type: 'all-sent' });
    expect(await connections[0]?.next(['all-sent'], { timeoutMs: 5_000 })).toBeDefined();
  });
});

describe('a destination is not believed', () => {
  test('that shows the certificate of another host', async () => {
    const { connect } = await secured(as(client), allowed);
    await expect(connect(as(client))).rejects.toEqual(
      errorLike('peer-not-trusted', /is of another host: .*a\.hosts\.test/, 'source'),
    );
  });

  test.each([
    ['an expired one', /certificate has expired/, () => authority.issue('late', ['DNS:localhost'], -1)],
    [
      'one of another authority',
      /is not accepted here: .*does it come from an authority in tlsAuthority/,
      async () => (await TestAuthority.create(directory, 'foreign')).issue('impostor', ['DNS:localhost']),
    ],
  ])('that shows %s', async (_what, why, issue) => {
    const { connect, connections } = await secured(as(await issue()), allowed);
    await expect(connect(as(client))).rejects.toEqual(errorLike('peer-not-trusted', why, 'source'));
    expect(connections).toEqual([]);
  });

  test('by a source that has no authority', async () => {
    const { connect } = await secured(as(server), allowed);
    await expect(connect({ ...client.pem, ca: undefined })).rejects.toEqual(
      errorLike('peer-not-trusted', /tlsAuthority/, 'source'),
    );
  });

  test('that has no TLS where it should', async () => {
    const { connect } = await secured(undefined);
    await expect(connect(as(client))).rejects.toEqual(errorLike('peer-unreachable', /does not speak TLS/));
  });
});

describe('connections that say nothing', () => {
  test('make room for others', async () => {
    const { connect, connections, port } = await secured(as(server), allowed);
    const silent = Array.from({ length: 40 }, () => tcp(port));
    const closed = new Set<Socket>();
    for (const socket of silent) socket.once('close', () => closed.add(socket));
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    await connect(as(client));
    expect(connections).toHaveLength(1);
    expect(closed.size).toBeGreaterThanOrEqual(9);
  });

  test.each([
    ['before TLS', (port: number) => tcp(port)],
    ['within TLS', (port: number) => connectTls({ port, host: 'localhost', ...as(client) })],
  ])('are ended after a while, %s', async (_where, open) => {
    const { port, connections, connect } = await secured(as(server), allowed);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const socket = open(port)
      .on('error', () => undefined)
      .resume();
    await once(socket, 'connect');
    // Time enough for the listener to see it.
    await connect(as(client));
    const ended = once(socket, 'close');
    vi.advanceTimersByTime(10_000);
    await ended;
    expect(connections).toHaveLength(1);
  });
});

test('nothing of what a peer sends that is not let in is looked at', async () => {
  const { port } = await secured(as(server), allowed);
  const socket = connectTls({ port, host: 'localhost', ca: authority.pem });
  socket.on('error', () => undefined);
  socket.end(Buffer.alloc(1024 * 1024, 'no HTTP at all'));
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  expect(answer).toMatch(/^HTTP\/1\.1 403 /);
});
