import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { PageferryError } from '@pageferry/errors';
import { Type } from '@sinclair/typebox';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../src/index.js';
import { recordingLog } from './support/log-lines.js';

const Body = Type.Object(
  {
    guest: Type.String({ minLength: 1 }),
    downtimeLimitMs: Type.Integer({ minimum: 1, default: 300 }),
  },
  { additionalProperties: false },
);

function testServer(options: Partial<HttpServerOptions> = {}): {
  server: HttpServer;
  lines: Record<string, unknown>[];
} {
  const { log, lines } = recordingLog();
  const server = createHttpServer({ log, host: 'source', ...options });
  onTestFinished(() => server.close());
  server.post('/echo', { schema: { body: Body } }, (request) => request.body);
  server.get(
    '/list',
    { schema: { querystring: Type.Object({ limit: Type.Integer({ maximum: 100, default: 20 }) }) } },
    (request) => ({ limit: request.query.limit }),
  );
  server.post(
    '/start',
    { schema: { body: Body, response: { 202: Type.Object({ id: Type.String() }) } } },
    async (request, reply) => {
      const answer = { id: request.body.guest };
      return reply.status(202).header('location', '/v1/migrations/1').send(answer);
    },
  );
  server.get('/refuse', () => {
    throw new PageferryError('guest-busy', 'vm1 is on its way', { findings: ['since 12:00'] });
  });
  server.get('/peer', () => {
    throw new PageferryError('incoming-failed', 'Wrong RAM', { host: 'destination' });
  });
  server.get('/crash', () => {
    throw new TypeError('the secret is 42');
  });
  return { server, lines };
}

const isProblem: unknown = expect.stringContaining('application/problem+json');

describe('createHttpServer', () => {
  it('hands checked bodies to handlers, with defaults filled in', async () => {
    const { server } = testServer();
    const response = await server.inject({ method: 'POST', url: '/echo', payload: { guest: 'vm1' } });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ guest: 'vm1', downtimeLimitMs: 300 });
  });

  it('sends what the handler answers, with its status', async () => {
    const { server } = testServer();
    const response = await server.inject({ method: 'POST', url: '/start', payload: { guest: 'vm1' } });
    expect(response.statusCode).toBe(202);
    expect(response.json()).toEqual({ id: 'vm1' });
  });

  it('refuses a body with every finding by its path', async () => {
    const { server } = testServer();
    const payload = { guest: '', downtimeLimitMs: '300', extra: 1 };
    const response = await server.inject({ method: 'POST', url: '/echo', payload });
    expect(response.headers['content-type']).toEqual(isProblem);
    const anyText: unknown = expect.any(String);
    expect(response.json()).toEqual({
      type: 'urn:pageferry:error:request-invalid',
      title: 'The request is not valid',
      status: 400,
      detail: anyText,
      instance: '/echo',
      host: 'source',
      findings: [
        'extra: there is no such key',
        'guest: expected string length greater or equal to 1',
        'downtimeLimitMs: expected integer',
      ],
    });
  });

  it('converts the text of a query to the types of its schema', async () => {
    const { server } = testServer();
    expect((await server.inject('/list?limit=7')).json()).toEqual({ limit: 7 });
    expect((await server.inject('/list')).json()).toEqual({ limit: 20 });
    expect((await server.inject('/list?limit=seven')).json()).toMatchObject({
      status: 400,
      findings: ['limit: expected integer'],
    });
  });

  it.each([
    ['no body', { method: 'POST', url: '/echo' }, 400, 'body: expected object'],
    [
      'malformed JSON',
      { method: 'POST', url: '/echo', headers: { 'content-type': 'application/json' }, payload: '{"guest":' },
      400,
      'The body is not JSON',
    ],
    [
      'an empty body',
      { method: 'POST', url: '/echo', headers: { 'content-type': 'application/json' }, payload: '' },
      400,
      'The body is empty, but announced as application/json',
    ],
    [
      'another content type',
      { method: 'POST', url: '/echo', headers: { 'content-type': 'text/xml' }, payload: '<guest/>' },
      415,
      'The body must be application/json',
    ],
    [
      'a body over the limit',
      { method: 'POST', url: '/echo', payload: { guest: 'x'.repeat(65 * 1024) } },
      413,
      'The body is too large',
    ],
    [
      'an address that cannot be decoded',
      { method: 'GET', url: '/%zz' },
      400,
      "'/%zz' is not a valid url component",
    ],
  ] as const)('answers %s with a problem document', async (_, request, status, detail) => {
    const { server } = testServer();
    const response = await server.inject(request);
    expect(response.statusCode).toBe(status);
    expect(response.headers['content-type']).toEqual(isProblem);
    expect(response.json()).toMatchObject({ type: 'urn:pageferry:error:request-invalid', status, detail });
  });

  it('refuses keys that would reach the prototype', async () => {
    const { server } = testServer();
    const response = await server.inject({
      method: 'POST',
      url: '/echo',
      headers: { 'content-type': 'application/json' },
      payload: '{"guest": "vm1", "__proto__": {"admin": true}}',
    });
    expect(response.json()).toMatchObject({ status: 400 });
  });

  it('answers an unknown address or method with a problem document', async () => {
    const { server } = testServer();
    const response = await server.inject({ method: 'DELETE', url: '/echo' });
    expect(response.statusCode).toBe(404);
    expect(response.headers['content-type']).toEqual(isProblem);
    expect(response.json()).toMatchObject({
      type: 'urn:pageferry:error:route-not-found',
      detail: 'There is no DELETE /echo',
    });
  });

  it("answers with a handler's own error, and the host on which it happened", async () => {
    const { server } = testServer();
    expect((await server.inject('/refuse')).json()).toMatchObject({
      type: 'urn:pageferry:error:guest-busy',
      status: 409,
      detail: 'vm1 is on its way',
      host: 'source',
      findings: ['since 12:00'],
    });
    expect((await server.inject('/peer')).json()).toMatchObject({ status: 502, host: 'destination' });
  });

  it('keeps what it did not foresee out of the answer and in the log', async () => {
    const { server, lines } = testServer();
    const response = await server.inject('/crash');
    expect(response.statusCode).toBe(500);
    expect(response.headers['content-type']).toEqual(isProblem);
    expect(response.body).not.toContain('42');
    const line = lines.find(({ level }) => level === 'error');
    expect(line).toMatchObject({ code: 'internal', url: '/crash', err: { message: 'the secret is 42' } });
    expect(response.body).toContain(String(line?.['request']));
  });

  it('logs failed requests as errors and others at debug', async () => {
    const { server, lines } = testServer();
    await server.inject('/list');
    expect(lines.map(({ level, status }) => [level, status])).toEqual([['debug', 200]]);
    await server.inject('/refuse');
    expect(lines.find(({ level }) => level === 'error')).toMatchObject({ code: 'guest-busy', status: 409 });
  });

  it('does not start with a body whose schema lets unknown keys pass', () => {
    const { server } = testServer();
    expect(() => server.post('/open', { schema: { body: Type.Object({}) } }, () => null)).toThrow(
      'additionalProperties: false',
    );
  });
});

describe('createHttpServer on a socket', () => {
  async function listen(options: Partial<HttpServerOptions> = {}): Promise<AddressInfo> {
    const { server } = testServer(options);
    await server.listen({ host: '127.0.0.1', port: 0 });
    const [address] = server.addresses();
    if (typeof address !== 'object') throw new Error('the server does not listen');
    return address;
  }

  async function answerTo(port: number, text: string): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    socket.write(text);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  }

  it('answers requests', async () => {
    const { port } = await listen();
    const response = await fetch(`http://127.0.0.1:${port}/refuse`);
    expect(response.status).toBe(409);
    expect(response.headers.get('content-type')).toEqual(isProblem);
    expect(await response.json()).toMatchObject({
      type: 'urn:pageferry:error:guest-busy',
      instance: '/refuse',
    });
  });

  it('answers what is not HTTP with a problem document', async () => {
    const { port } = await listen();
    const answer = await answerTo(port, 'QEMU hello\r\n\r\n');
    expect(answer).toContain('HTTP/1.1 400 Bad Request\r\n');
    expect(answer).toContain('Content-Type: application/problem+json\r\n');
    expect(answer).toContain('What arrived is not HTTP');
  });

  it('answers headers that are too large with a problem document', async () => {
    const { port } = await listen();
    const answer = await answerTo(
      port,
      `GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`,
    );
    expect(answer).toContain('HTTP/1.1 431 ');
    expect(answer).toContain('urn:pageferry:error:request-invalid');
  });

  it.each([
    ['headers', 'POST /echo HTTP/1.1\r\nHost: localhost\r\n'],
    [
      'a body',
      'POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"gu',
    ],
  ])('gives up on a client that never finishes %s', async (_, text) => {
    const { port } = await listen({ requestTimeoutMs: 400 });
    const answer = await answerTo(port, text);
    expect(answer).toContain('HTTP/1.1 408 Request Timeout\r\n');
    expect(answer).toContain('The request did not arrive in time');
  });
});
