import { once } from 'node:events';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { createHttpServer } from '../../src/index.js';
import { recordingLog } from '../support/log-lines.js';
import { TOKEN, securedApi } from '../support/secured-api.js';

const other = 'another-token-of-the-same-kind-9876543210';

describe('an API with TLS and a token', () => {
  it('answers who shows the token', async () => {
    const { get } = await securedApi();
    expect(await get('/v1/secret', TOKEN)).toMatchObject({ status: 200, body: '{"secret":42}' });
  });

  it.each([
    ['without a token', '/v1/secret', undefined, 'Authorization: Bearer TOKEN'],
    ['with a wrong token', '/v1/secret', other, 'not one of this daemon'],
    ['without a token, whether there is anything or not', '/v1/nothing', undefined, 'Bearer'],
  ])('answers a request %s with a problem document', async (_what, path, token, detail) => {
    const { get, lines } = await securedApi();
    const { status, headers, body } = await get(path, token);
    expect(status).toBe(401);
    expect(headers['www-authenticate']).toBe('Bearer');
    expect(headers['content-type']).toContain('application/problem+json');
    expect(JSON.parse(body)).toMatchObject({
      type: 'urn:pageferry:error:unauthorized',
      status: 401,
      host: 'source',
    });
    expect(body).toContain(detail);
    expect(body).not.toContain('42');
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'error', code: 'unauthorized', url: path }),
    );
  });

  it('answers without a token whether it lives', async () => {
    const { get } = await securedApi();
    expect((await get('/healthz')).status).toBe(200);
    expect((await get('/healthz?all', other)).status).toBe(200);
  });

  it('speaks TLS 1.3 and nothing else', async () => {
    const { get, port } = await securedApi();
    await expect(get('/healthz', TOKEN, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/protocol version/);
    const plain = connectTcp(port, '127.0.0.1').on('error', () => undefined);
    plain.end('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    let answer = '';
    for await (const chunk of plain) answer += String(chunk);
    expect(answer).not.toContain('ok');
  });

  it('gives up on a client that does not finish its request', async () => {
    const { port, authority } = await securedApi({ requestTimeoutMs: 400 });
    const socket = connectTls({ port, host: 'localhost', ca: authority.pem });
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n');
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    expect(answer).toContain('HTTP/1.1 408 ');
  });

  it('uses a new certificate and a new token when they were changed', async () => {
    const { get, authority, files } = await securedApi();
    expect((await get('/healthz')).names).toBe('DNS:localhost');
    const renewed = await authority.issue('renewed', ['DNS:localhost', 'DNS:renewed.test']);
    await copyFile(renewed.certificate, files.certificate);
    await copyFile(renewed.key, files.key);
    await writeFile(files.token, `${TOKEN}\n${other}\n`);
    process.emit('SIGHUP');
    expect((await get('/healthz')).names).toContain('renewed.test');
    expect((await get('/v1/secret', TOKEN)).status).toBe(200);
    expect((await get('/v1/secret', other)).status).toBe(200);
    await writeFile(files.token, other);
    process.emit('SIGHUP');
    expect((await get('/v1/secret', TOKEN)).status).toBe(401);
  });

  it('keeps the certificate and the token that it has when the new ones are of no use', async () => {
    const { get, files, lines } = await securedApi();
    await writeFile(files.certificate, 'nothing');
    await writeFile(files.token, 'short');
    process.emit('SIGHUP');
    expect((await get('/v1/secret', TOKEN)).status).toBe(200);
    const stays = { level: 'error', msg: 'new files cannot be used: the old ones stay in use' };
    expect(lines).toContainEqual(expect.objectContaining({ ...stays, what: 'TLS of the API' }));
    expect(lines).toContainEqual(expect.objectContaining({ ...stays, what: 'tokens of the API' }));
  });

  it('has no secret in its log, whatever it is asked', async () => {
    const { get, files, lines } = await securedApi();
    await get('/v1/secret', TOKEN);
    await get('/v1/nothing', TOKEN);
    await get('/v1/secret', other);
    await writeFile(files.token, `${TOKEN} with more`);
    process.emit('SIGHUP');
    const logged = JSON.stringify(lines);
    const [, firstOfKey = ''] = (await readFile(files.key, 'utf8')).split('\n');
    expect(lines.length).toBeGreaterThan(3);
    for (const secret of [TOKEN, other, firstOfKey]) expect(logged).not.toContain(secret);
  });
});

describe('an API without a token', () => {
  it.each([
    ['localhost:7410', 200],
    ['127.0.0.1:7410', 200],
    ['[::1]:7410', 200],
    ['rebound.example:7410', 400],
    ['localhost.example', 400],
  ])(
    'asked as %j answers %i: a page elsewhere cannot have a name of its own stand for it',
    async (host, status) => {
      const server = createHttpServer({ log: recordingLog().log });
      server.get('/', () => 'answered');
      expect((await server.inject({ url: '/', headers: { host } })).statusCode).toBe(status);
      await server.close();
    },
  );
});

describe('requests from one address', () => {
  const requestRates = { admitted: 5, others: 2 };

  it('are so many a second, fewer of them without the right token', async () => {
    const { get, lines } = await securedApi({ requestRates });
    const statuses = async (count: number, token?: string): Promise<unknown[]> =>
      (await Promise.all(Array.from({ length: count }, () => get('/v1/secret', token)))).map(
        ({ status }) => status,
      );
    expect(await statuses(20)).toContain(429);
    expect(await statuses(3, TOKEN)).toEqual([200, 200, 200]);
    const msg: unknown = expect.stringContaining('too many come from one address');
    expect(lines).toContainEqual(expect.objectContaining({ level: 'error', msg }));
  });

  it('beyond that are answered with a problem document that says when to ask again', async () => {
    const { log } = recordingLog();
    const server = createHttpServer({ log, requestRates: { admitted: 1, others: 1 } });
    server.get('/', () => 'answered');
    const answers = await Promise.all(Array.from({ length: 20 }, () => server.inject('/')));
    const refused = answers.find(({ statusCode }) => statusCode === 429);
    expect(refused?.headers).toMatchObject({ 'retry-after': '1' });
    expect(refused?.json()).toMatchObject({ type: 'urn:pageferry:error:too-many-requests', instance: '/' });
    await server.close();
  });
});

it('a client that connects and says nothing is not waited for', async () => {
  const { port } = await securedApi({ requestTimeoutMs: 400 });
  const sockets = Array.from({ length: 300 }, () =>
    connectTcp(port, '127.0.0.1')
      .on('error', () => undefined)
      .resume(),
  );
  // More than are let in at all.
  await Promise.race(sockets.map((socket) => once(socket, 'close')));
  for (const socket of sockets) socket.destroy();
});
