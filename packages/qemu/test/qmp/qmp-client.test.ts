import { PageferryError } from '@pageferry/errors';
import { Type } from '@sinclair/typebox';
import fc from 'fast-check';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { QmpClient } from '../../src/qmp/qmp-client.js';
import { expectError } from '../support/expect-error.js';
import { FakeQmpServer, GREETING, type ReceivedCommand } from '../support/fake-qmp-server.js';

const opened: (QmpClient | FakeQmpServer)[] = [];

afterEach(async () => {
  for (const resource of opened.splice(0)) await resource.close();
});

async function listening(onConnection: (socket: Socket) => void): Promise<string> {
  const server = await FakeQmpServer.listen(onConnection);
  opened.push(server);
  return server.path;
}

async function connected(
  answer: (command: ReceivedCommand, socket: Socket) => void = () => undefined,
): Promise<QmpClient> {
  const server = await FakeQmpServer.answering(answer);
  const client = await QmpClient.connect(server.path);
  opened.push(client, server);
  return client;
}

/** Connects to a server that says `text` to everybody. */
async function connectTo(text: string | Uint8Array, end = false): Promise<QmpClient> {
  const path = await listening((socket) => {
    if (end) socket.end(text);
    else socket.write(text);
  });
  return QmpClient.connect(path, { timeoutMs: 100 });
}

const answer = (socket: Socket, id: number, value: unknown): boolean =>
  socket.write(`${JSON.stringify({ return: value, id })}\r\n`);

const event = (name: string, data?: Record<string, unknown>): string =>
  `${JSON.stringify({ event: name, data, timestamp: { seconds: 7, microseconds: 8 } })}\r\n`;

describe('connecting', () => {
  it('reads the greeting and enters command mode', async () => {
    const client = await connected();
    expect(client.greeting.version).toEqual({ qemu: { major: 10, minor: 0, micro: 2 }, package: 'fake' });
  });

  it('says what to do when there is no socket', async () => {
    await expectError(QmpClient.connect('/nonexistent/qmp'), 'qmp-unreachable', '-qmp unix:PATH');
  });

  it('says what to do when nobody listens', async () => {
    await expectError(QmpClient.connect('/etc/hostname'), 'qmp-unreachable', 'nobody listens');
  });

  it('refuses a path that no unix socket can have, instead of a shorter one', async () => {
    for (const path of ['', `/tmp/${'x'.repeat(103)}`]) {
      await expectError(QmpClient.connect(path), 'qmp-unreachable', '1 to 107 bytes');
    }
  });

  it('says that the socket serves one client when no greeting comes', async () => {
    await expectError(connectTo(''), 'qmp-timeout', 'one client at a time');
  });

  it('shows what a server said that does not speak QMP', async () => {
    await expectError(
      connectTo("QEMU 10.0.2 monitor - type 'help' for more information\r\n(qemu) "),
      'qmp-protocol',
      "QEMU 10.0.2 monitor - type 'help'",
    );
  });

  it('does not take half a line for silence', async () => {
    await expectError(connectTo('220 ready'), 'qmp-protocol');
  });

  it.each([
    ['JSON that is no message', '{"QMP": {}}\r\n'],
    ['JSON that is no object', '[]\r\n'],
    [
      'invalid UTF-8',
      Buffer.concat([Buffer.from('{"QMP": "'), Buffer.from([0xc3, 0x28]), Buffer.from('"}\n')]),
    ],
    ['a second greeting', GREETING + GREETING],
    ['an answer to nothing', `${GREETING}{"return": {}, "id": 99}\r\n`],
    [
      'an error that belongs to no command',
      `${GREETING}{"error": {"class": "GenericError", "desc": "?"}}\r\n`,
    ],
  ])('refuses %s', async (_what, text) => {
    await expectError(connectTo(text), 'qmp-protocol');
  });

  it('refuses an endless line', async () => {
    const path = await listening((socket) => {
      const block = Buffer.alloc(1 << 20, ' ');
      const pour = (): void => {
        if (!socket.destroyed) socket.write(block, pour);
      };
      pour();
    });
    await expectError(QmpClient.connect(path), 'qmp-protocol', 'longer than 16777216 bytes');
  });

  it('says so when the server closes instead of greeting', async () => {
    await expectError(connectTo('', true), 'qmp-closed');
  });

  it('is cancelled before and during', async () => {
    const path = await listening(() => undefined);
    await expectError(QmpClient.connect(path, { signal: AbortSignal.abort() }), 'cancelled');
    await expectError(QmpClient.connect(path, { signal: AbortSignal.timeout(20) }), 'cancelled');
  });
});

describe('commands', () => {
  it('carries arguments there and the answer back', async () => {
    const client = await connected((command, socket) => answer(socket, command.id, command.arguments));
    const value = { text: 'Zürich', list: [1, 2, { deep: null }] };
    expect(await client.execute('echo', value)).toEqual(value);
  });

  it('reads messages that are cut at any byte', async () => {
    const client = await connected((command, socket) => {
      const bytes = Buffer.from(`${event('CUT', { text: 'ä' })}{"return": "ü", "id": ${command.id}}\r\n`);
      let at = 0;
      const next = (): void => {
        if (at < bytes.length) socket.write(bytes.subarray(at, ++at), () => setImmediate(next));
      };
      next();
    });
    const cut = client.waitForEvent('CUT');
    expect(await client.execute('anything')).toBe('ü');
    expect(await cut).toEqual({ text: 'ä' });
  });

  it('matches answers to commands by id, in any order', async () => {
    const ids: number[] = [];
    const client = await connected((command, socket) => {
      ids.push(command.id);
      if (ids.length === 3) for (const id of ids.toReversed()) answer(socket, id, id);
    });
    const answers = await Promise.all([client.execute('a'), client.execute('b'), client.execute('c')]);
    expect(answers).toEqual(ids);
  });

  it("keeps QEMU's error whole", async () => {
    const client = await connected((command, socket) => {
      socket.write(
        `{"id": ${command.id}, "error": {"class": "CommandNotFound", "desc": "no such thing"}}\r\n`,
      );
    });
    await expectError(client.execute('x-thing'), 'qmp-command', 'x-thing: no such thing (CommandNotFound)');
  });

  it('gives up after the timeout, and ignores the late answer', async () => {
    let late: (() => void) | undefined;
    const client = await connected((command, socket) => {
      if (command.execute === 'slow') late = () => answer(socket, command.id, 'late');
      else answer(socket, command.id, 'good');
    });
    await expectError(
      client.execute('slow', {}, { timeoutMs: 20 }),
      'qmp-timeout',
      'slow: nothing came within 20 ms',
    );
    late?.();
    expect(await client.execute('fast')).toBe('good');
  });

  it('gives up when cancelled, with the reason of whoever cancelled', async () => {
    const client = await connected();
    const controller = new AbortController();
    const reason = new PageferryError('interrupted', 'the agent stops');
    const pending = client.execute('slow', {}, { signal: controller.signal });
    controller.abort(reason);
    await expect(pending).rejects.toBe(reason);
  });

  it('does not send what was cancelled before', async () => {
    const seen: string[] = [];
    const client = await connected((command, socket) => {
      seen.push(command.execute);
      answer(socket, command.id, {});
    });
    const signal = AbortSignal.abort();
    await expectError(client.execute('first', {}, { signal }), 'cancelled');
    await client.execute('second');
    expect(seen).toEqual(['second']);
  });

  it('says which part of an answer is not as it should be', async () => {
    const client = await connected((command, socket) => answer(socket, command.id, { cpus: [{ id: 'x' }] }));
    const schema = Type.Object({ cpus: Type.Array(Type.Object({ id: Type.Integer() })) });
    await expectError(client.executeAs(schema, 'query-x'), 'qemu-unexpected', 'query-x: /cpus/0/id');
  });
});

describe('events', () => {
  it('calls each listener until it is taken away', async () => {
    const client = await connected((command, socket) => {
      socket.write(event('STOP'));
      answer(socket, command.id, {});
    });
    const seen: unknown[] = [];
    const stop = client.onEvent((...args) => seen.push(args));
    await client.execute('stop');
    stop();
    await client.execute('stop');
    expect(seen).toEqual([['STOP', {}, { seconds: 7, microseconds: 8 }]]);
  });

  it('waits for the event that is meant', async () => {
    const client = await connected((command, socket) => {
      for (const status of ['setup', 'active']) socket.write(event('MIGRATION', { status }));
      answer(socket, command.id, {});
    });
    const active = client.waitForEvent('MIGRATION', { where: ({ status }) => status === 'active' });
    await client.execute('migrate');
    expect(await active).toEqual({ status: 'active' });
  });

  it('may be forgotten when the command fails that was to cause it', async () => {
    const client = await connected((_command, socket) => socket.destroy());
    const forgotten = client.waitForEvent('STOP');
    await expectError(client.execute('stop'), 'qmp-closed');
    // An unhandled rejection, which would end the process, shows up now.
    await new Promise(setImmediate);
    await expectError(forgotten, 'qmp-closed');
  });

  it('fails with the condition of whoever waits', async () => {
    const client = await connected((command, socket) => {
      socket.write(event('STOP'));
      answer(socket, command.id, {});
    });
    const where = (): boolean => {
      throw new Error('a bug');
    };
    const stopped = client.waitForEvent('STOP', { where });
    expect(await client.execute('stop')).toEqual({});
    await expectError(stopped, 'internal', 'a bug');
  });

  it('stops to wait at the timeout, when cancelled, and when the connection ends', async () => {
    const client = await connected();
    await expectError(client.waitForEvent('RESUME', { timeoutMs: 20 }), 'qmp-timeout', 'RESUME');
    const signal = AbortSignal.timeout(20);
    await expectError(client.waitForEvent('RESUME', { signal }), 'cancelled');
    const pending = client.waitForEvent('RESUME');
    client.close();
    await expectError(pending, 'qmp-closed');
  });
});

describe('the end', () => {
  it.each([
    ['in good order', (socket: Socket) => socket.end()],
    ['at once', (socket: Socket) => socket.destroy()],
    ['in the middle of an answer', (socket: Socket) => socket.end('{"return": {')],
  ])('rejects all that waits when QEMU closes %s', async (_how, close) => {
    const client = await connected((command, socket) => {
      if (command.execute === 'b') close(socket);
    });
    const results = await Promise.allSettled([
      client.execute('a'),
      client.execute('b'),
      client.waitForEvent('X'),
    ]);
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'qmp-closed' } });
    }
    expect(await client.closed).toMatchObject({ code: 'qmp-closed' });
    await expectError(client.execute('c'), 'qmp-closed');
    await expectError(client.waitForEvent('X'), 'qmp-closed');
  });

  it('rejects what waits when the server stops to speak QMP', async () => {
    const client = await connected((_command, socket) => socket.write('Segmentation fault\n'));
    await expectError(client.execute('a'), 'qmp-protocol');
    expect(await client.closed).toMatchObject({ code: 'qmp-protocol' });
  });

  it('may be closed twice, and from within a listener', async () => {
    const client = await connected((command, socket) => {
      socket.write(event('STOP') + event('STOP'));
      answer(socket, command.id, {});
    });
    let events = 0;
    client.onEvent(() => {
      events++;
      client.close();
      client.close();
    });
    await expectError(client.execute('stop'), 'qmp-closed');
    expect(await client.closed).toMatchObject({ code: 'qmp-closed' });
    expect(events).toBe(1);
  });
});

describe('anything that a server may send', () => {
  const message = fc.oneof(
    fc.constant(GREETING),
    fc.constant('{"return": {}, "id": 1}\r\n'),
    fc.constant('{"id": 2, "error": {"class": "GenericError", "desc": "no"}}\r\n'),
    fc.constant(event('STOP')),
    fc.json().map((json) => `${json}\n`),
    fc.string(),
    fc.constant('\n'),
  );
  const stream = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.array(message).map((parts) => Buffer.from(parts.join(''))),
    fc
      .tuple(fc.array(message), fc.uint8Array({ maxLength: 50 }))
      .map(([parts, noise]) => Buffer.concat([Buffer.from(GREETING), Buffer.from(parts.join('')), noise])),
  );

  it('ends in an answer or a PageferryError', async () => {
    let said = Buffer.alloc(0);
    let closes = false;
    const path = await listening((socket) => {
      if (closes) socket.end(said);
      else socket.write(said);
    });
    await fc.assert(
      fc.asyncProperty(stream, fc.boolean(), async (bytes, end) => {
        said = bytes;
        closes = end;
        try {
          const client = await QmpClient.connect(path, { timeoutMs: 10 });
          try {
            const options = { timeoutMs: 10 };
            const [result] = await Promise.allSettled([
              client.execute('query-status', {}, options),
              client.waitForEvent('STOP', options),
            ]);
            if (result.status === 'rejected') throw result.reason;
          } finally {
            client.close();
            await client.closed;
          }
        } catch (error) {
          expect(error).toBeInstanceOf(PageferryError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
