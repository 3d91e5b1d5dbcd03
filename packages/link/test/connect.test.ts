import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { PageferryError } from '@pageferry/errors';
import { SUBPROTOCOL, encodeControl } from '@pageferry/wire';
import { connectToDestination } from '../src/index.js';
import { errorLike } from './support/error-like.js';
import { connectRaw, listen, urlOf } from './support/peers.js';

afterEach(() => {
  vi.useRealTimers();
});

const never = new AbortController().signal;

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return urlOf(server.address());
}

const unreachable = (message: RegExp): unknown => errorLike('peer-unreachable', message);

test('connects to the stream address, with the subprotocol', async () => {
  const { source, socket } = await connectRaw();
  expect(socket.protocol).toBe(SUBPROTOCOL);
  expect(source.isOpen).toBe(true);
});

test('an address that nobody listens at is unreachable', async () => {
  const server = createServer();
  const url = await listening(server);
  server.close();
  await once(server, 'close');
  await expect(connectToDestination(url, never)).rejects.toEqual(
    unreachable(/ECONNREFUSED.*is this its stream/),
  );
});

test('what answers with plain HTTP is unreachable', async () => {
  const server = createHttpServer((_request, response) => {
    response.writeHead(404).end('nothing here');
  });
  const url = await listening(server);
  await expect(connectToDestination(url, never)).rejects.toEqual(unreachable(/the HTTP status 404/));
});

test.each([
  ['is no message', Buffer.from('go away')],
  ['is another message', encodeControl({ type: 'all-sent' })],
  ['is far too long', Buffer.alloc(1024 * 1024)],
])('a refusal that %s is told by its HTTP status', async (_what, body) => {
  const server = createHttpServer((_request, response) => {
    response.writeHead(403).end(body);
  });
  const url = await listening(server);
  await expect(connectToDestination(url, never)).rejects.toEqual(unreachable(/the HTTP status 403/));
});

test('what is no HTTP server is unreachable', async () => {
  const url = await listening(createServer((socket) => socket.end('220 mail.example ESMTP\r\n')));
  await expect(connectToDestination(url, never)).rejects.toEqual(unreachable(/no destination agent answers/));
});

test('another path than the stream is unreachable', async () => {
  const url = await listen(() => undefined, { path: '/elsewhere' });
  await expect(connectToDestination(url, never)).rejects.toEqual(unreachable(/the HTTP status 400/));
});

test('a server of another subprotocol is unreachable', async () => {
  const url = await listen(() => undefined, { handleProtocols: () => 'chat' });
  await expect(connectToDestination(url, never)).rejects.toEqual(unreachable(/subprotocol/));
});

test('what takes the connection and says nothing is given up in the end', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const server = createServer((socket) => socket.on('error', () => undefined));
  const url = await listening(server);
  const connecting = connectToDestination(url, never);
  const outcome = expect(connecting).rejects.toEqual(unreachable(/did not answer in time/));
  await once(server, 'connection');
  vi.advanceTimersByTime(5_000);
  await outcome;
});

test('a cancel ends the attempt with its reason', async () => {
  const abort = new AbortController();
  const server = createServer((socket) => socket.on('error', () => undefined));
  const accepted = once(server, 'connection');
  const connecting = connectToDestination(await listening(server), abort.signal);
  const outcome = expect(connecting).rejects.toMatchObject({ code: 'cancelled' });
  await accepted;
  abort.abort(new PageferryError('cancelled', 'enough'));
  await outcome;
});

test('a frame that comes before it was asked for ends the connection', async () => {
  const { source, socket } = await connectRaw();
  socket.send(Buffer.from([0x21]));
  expect(await source.closed).toMatchObject({ code: 'protocol-violation', host: 'source' });
});
