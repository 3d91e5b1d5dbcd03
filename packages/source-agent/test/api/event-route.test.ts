import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { createApi } from '../../src/api.js';
import {
  FakeMigrations,
  id,
  noGangs,
  noPreparations,
  type FakeMigration,
} from '../support/fake-migrations.js';
import { silent } from '../support/simulated-migration.js';

let migrations: FakeMigrations;
let migration: FakeMigration;
let port: number;

beforeEach(async () => {
  migrations = new FakeMigrations();
  migration = await migrations.start({
    guest: 'web1',
    destination: { url: 'ws://10.0.0.2:7411' },
    mode: 'hybrid',
    downtimeLimitMs: 300,
    timeLimitMs: 1000,
    sourceAfter: 'quit',
  });
  const server = createApi({ migrations, gangs: noGangs, preparations: noPreparations }, silent);
  await server.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => server.close());
  const [address] = server.addresses();
  if (typeof address !== 'object') throw new Error('the server does not listen');
  ({ port } = address);
});

/** A client that follows events; `text` is what it has received so far. */
class Follower {
  readonly socket: Socket;
  text = '';

  constructor(what = id, lastEventId?: number) {
    this.socket = connect(port, '127.0.0.1');
    onTestFinished(() => {
      this.socket.destroy();
    });
    this.socket.on('data', (chunk: Buffer) => (this.text += chunk.toString()));
    const last = lastEventId === undefined ? '' : `last-event-id: ${lastEventId}\r\n`;
    this.socket.write(`GET /v1/migrations/${what}/events HTTP/1.1\r\nhost: localhost\r\n${last}\r\n`);
  }

  async has(text: string): Promise<void> {
    while (!this.text.includes(text)) await once(this.socket, 'data');
  }

  get ids(): number[] {
    return [...this.text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
  }
}

/** Someone follows for a moment. */
async function leave(): Promise<void> {
  const follower = new Follower();
  await follower.has('event: state');
  const { feed } = migration;
  follower.socket.destroy();
  await expect.poll(() => feed.listeners).toBe(0);
}

test('shows the migration as it is, then what happens to it, and ends with it', async () => {
  migration.feed.publish('state', () => ({ n: 1 }));
  const follower = new Follower();
  await follower.has('data: ');
  expect(follower.text).toContain('content-type: text/event-stream');
  expect(follower.text).toContain(`id: 1\nevent: state\ndata: ${JSON.stringify(migration.view)}\n\n`);
  migration.feed.publish('progress', () => ({ n: 2 }));
  await follower.has('id: 2\nevent: progress\ndata: {"n":2}\n\n');
  migration.feed.end('end', () => ({ n: 3 }));
  await follower.has('id: 3\nevent: end\ndata: {"n":3}\n\n');
  await follower.has('0\r\n\r\n');
});

test('goes on after the last event that was received', async () => {
  await leave();
  for (let n = 1; n <= 5; n++) migration.feed.publish('progress', () => ({ n }));
  const follower = new Follower(id, 3);
  await follower.has('{"n":5}');
  expect(follower.ids).toEqual([4, 5]);
});

test('shows the migration as it is to those who were away for too long, or heard of another run', async () => {
  await leave();
  for (let n = 1; n <= 300; n++) migration.feed.publish('progress', () => ({ n }));
  for (const last of [1, 1000]) {
    const follower = new Follower(id, last);
    await follower.has('event: state');
    expect(follower.ids).toEqual([300]);
  }
});

test('of a migration that is over only its end is shown, once', async () => {
  migrations.end('m1', 1, 'db');
  const follower = new Follower('m1');
  await follower.has('0\r\n\r\n');
  expect(follower.ids).toEqual([7]);
  expect(follower.text).toContain('event: end');
  const again = new Follower('m1', 7);
  await again.has('HTTP/1.1 204');
});

test('a reader that does not read is dropped, and the others are not held up', async () => {
  const slow = new Follower();
  await slow.has('event: state');
  slow.socket.pause();
  const quick = new Follower();
  await quick.has('event: state');
  const closed = once(slow.socket, 'close');
  const large = 'x'.repeat(500_000);
  for (let n = 1; n <= 30; n++) {
    migration.feed.publish('progress', () => ({ n, large }));
    await quick.has(`id: ${n}\n`);
    quick.text = '';
  }
  slow.socket.resume();
  await closed;
  migration.feed.end('end', () => ({}));
  await quick.has('event: end');
});

test('only so many may follow at once, and one that leaves makes room', async () => {
  const followers = Array.from({ length: 64 }, () => new Follower());
  for (const follower of followers) await follower.has('event: state');
  const refused = new Follower();
  await refused.has('urn:pageferry:error:too-many-requests');
  expect(refused.text).toContain('HTTP/1.1 429');
  followers[0]?.socket.destroy();
  await expect
    .poll(async () => {
      const next = new Follower();
      await next.has('HTTP/1.1 ');
      return next.text.includes(' 200 ');
    })
    .toBe(true);
});
