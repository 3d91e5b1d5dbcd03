import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Type, type Static } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MonitorRelay } from '../../../src/qmp/keeper/monitor-relay.js';
import { QmpClient } from '../../../src/qmp/qmp-client.js';
import { expectError } from '../../support/expect-error.js';
import { FakeQmpServer, GREETING } from '../../support/fake-qmp-server.js';

const IDLE_LIMIT_MS = 60_000;

/** What QEMU is sent. */
const Command = Type.Object({
  execute: Type.Optional(Type.String()),
  'exec-oob': Type.Optional(Type.String()),
  arguments: Type.Optional(Type.Unknown()),
  id: Type.String(),
});
type Command = Static<typeof Command>;

interface Lent {
  readonly path: string;
  readonly relay: MonitorRelay;
  /** This end's of the connection to QEMU. */
  readonly connection: Socket;
  /** QEMU's end. */
  readonly qemu: Socket;
  readonly received: Command[];
}

/** A relay that has yet to take its connection over. */
async function relayed({ idleLimitMs = IDLE_LIMIT_MS, takenOver = true } = {}): Promise<Lent> {
  const received: Command[] = [];
  let accept: (socket: Socket) => void = () => undefined;
  const accepted = new Promise<Socket>((resolve) => {
    accept = resolve;
  });
  const server = await FakeQmpServer.listen((socket) => {
    socket.on('data', (chunk: Buffer) => received.push(...commandsIn(chunk)));
    accept(socket);
  });
  onTestFinished(() => server.close());
  const connection = connect(server.path);
  const qemu = await accepted;
  const folder = await mkdtemp(join(tmpdir(), 'pageferry-relay-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'keeper');
  const relay = await MonitorRelay.listen(path, GREETING.trim(), idleLimitMs);
  onTestFinished(() => relay.close());
  if (takenOver) relay.takeOver(connection);
  return { path, relay, connection, qemu, received };
}

async function user(path: string): Promise<QmpClient> {
  const client = await QmpClient.connect(path, { outOfBand: true, timeoutMs: 2_000 });
  onTestFinished(() => {
    client.close();
  });
  return client;
}

const commandsIn = (chunk: Buffer): Command[] =>
  chunk
    .toString()
    .split('\r\n')
    .filter(Boolean)
    .map((line) => Value.Parse(Command, JSON.parse(line)));

function answer(qemu: Socket, { execute = 'at once', id }: Command): void {
  qemu.write(`${JSON.stringify({ return: execute, id })}\r\n`);
}

/** Has QEMU answer every command with its name. */
function answering(qemu: Socket): void {
  qemu.on('data', (chunk: Buffer) => {
    for (const command of commandsIn(chunk)) answer(qemu, command);
  });
}

/** A user that has its greeting, without the manners of a client. */
async function greeted(path: string): Promise<Socket> {
  for (;;) {
    const socket = connect(path);
    socket.on('error', () => undefined);
    const greeting = new Promise<boolean>((resolve) => {
      socket.on('data', () => {
        resolve(true);
      });
      socket.on('close', () => {
        resolve(false);
      });
    });
    if (await greeting) return socket;
  }
}

describe('a relay', () => {
  it('greets a user, and negotiates with it by itself', async () => {
    const { path, received } = await relayed();
    const client = await user(path);
    expect(client.greeting.version.qemu.major).toBe(10);
    expect(received).toEqual([]);
  });

  it('carries commands there and answers back, in and out of band', async () => {
    const { path, qemu, received } = await relayed();
    answering(qemu);
    const client = await user(path);
    expect(await client.execute('query-status', { deep: [1] })).toBe('query-status');
    expect(await client.executeOutOfBand('migrate-recover')).toBe('at once');
    expect(received).toMatchObject([
      { execute: 'query-status', arguments: { deep: [1] } },
      { 'exec-oob': 'migrate-recover' },
    ]);
  });

  it("passes on QEMU's errors and events", async () => {
    const { path, qemu, received } = await relayed();
    const client = await user(path);
    const event = client.waitForEvent('RESUME');
    qemu.once('data', () => {
      const error = { class: 'GenericError', desc: 'locked' };
      qemu.write('{"event": "RESUME", "timestamp": {"seconds": 1, "microseconds": 2}}\r\n');
      qemu.write(`${JSON.stringify({ error, id: received[0]?.id })}\r\n`);
    });
    await expectError(client.execute('cont'), 'qmp-command', 'cont: locked (GenericError)');
    expect(await event).toEqual({});
  });

  it('turns users away until it has taken the connection over', async () => {
    const { path, relay, connection } = await relayed({ takenOver: false });
    await expectError(QmpClient.connect(path), 'qmp-closed');
    relay.takeOver(connection);
    await user(path);
  });

  it('has one user at a time', async () => {
    const { path } = await relayed();
    const first = await user(path);
    await expectError(QmpClient.connect(path, { timeoutMs: 50 }), 'qmp-timeout');
    const second = user(path);
    first.close();
    await second;
  });

  it('lets a few wait for their turn, and turns the others away', async () => {
    const { path } = await relayed();
    const first = await user(path);
    const others = [1, 2, 3, 4, 5].map(() => user(path));
    const turnedAway = Promise.any(
      others.map((other) => other.then(() => Promise.reject(new Error('admitted')), String)),
    );
    expect(await turnedAway).toContain('closed');
    first.close();
    const isAdmitted = (other: Promise<QmpClient>): Promise<boolean> =>
      other.then(
        (client) => {
          client.close();
          return true;
        },
        () => false,
      );
    expect((await Promise.all(others.map(isAdmitted))).filter(Boolean)).toHaveLength(4);
  });

  it('keeps answers from whoever did not ask', async () => {
    const { path, qemu, received } = await relayed();
    const first = await user(path);
    const lost = first.execute('query-migrate').catch(() => 'lost');
    await once(qemu, 'data');
    first.close();
    expect(await lost).toBe('lost');
    const second = await user(path);
    const ownAnswer = second.execute('query-status');
    await once(qemu, 'data');
    // The connection's first owner had numbers for ids.
    qemu.write('{"return": "of the agent before", "id": 2}\r\n');
    for (const command of received) answer(qemu, command);
    expect(await ownAnswer).toBe('query-status');
  });

  it('drops the rest of a line that was read in part before', async () => {
    const { path, qemu } = await relayed();
    qemu.write(': "migrate"}, "id": 7}\r\n');
    answering(qemu);
    expect(await (await user(path)).execute('stop')).toBe('stop');
  });

  it('holds back commands that QEMU could not read any more, but none out of band', async () => {
    const { path, qemu, received } = await relayed();
    const client = await user(path);
    const waiting = [1, 2, 3, 4].map(() => client.execute('query-status').catch(() => undefined));
    await expectError(client.execute('query-status'), 'qmp-command', 'has not answered 4 commands');
    answering(qemu);
    expect(await client.executeOutOfBand('migrate-recover')).toBe('at once');
    expect(received.map((command) => command['exec-oob'])).toEqual([
      ...[undefined, undefined, undefined, undefined],
      'migrate-recover',
    ]);
    client.close();
    await Promise.all(waiting);
  });

  it('survives whatever a user sends', async () => {
    const { path } = await relayed();
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ minLength: 1 }),
          fc.json().map((text) => Buffer.from(text)),
        ),
        async (bytes) => {
          const socket = await greeted(path);
          const closed = once(socket, 'close');
          socket.end(Buffer.concat([bytes, Buffer.from('\n')]));
          await closed;
          (await user(path)).close();
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('a relay ends', () => {
  it('when QEMU is gone', async () => {
    const { relay, qemu } = await relayed();
    qemu.destroy();
    await relay.ended;
  });

  it('when a user releases the connection', async () => {
    const { path, relay, qemu } = await relayed();
    const client = await user(path);
    await client.execute('pageferry-release');
    await relay.ended;
    const closed = once(qemu, 'close');
    await relay.close();
    await closed;
    expect((await client.closed).code).toBe('qmp-closed');
  });

  it('when nobody has used it for too long', async () => {
    const { relay } = await relayed({ idleLimitMs: 10 });
    await relay.ended;
  });
});
