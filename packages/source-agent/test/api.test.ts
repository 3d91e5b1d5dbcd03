import { PageferryError } from '@pageferry/errors';
import { beforeEach, expect, test } from 'vitest';
import { createApi, type ServedMigrations } from '../src/api.js';
import type { OutgoingView } from '../src/outgoing-view.js';
import { NOTHING_SENT } from '../src/page-sender.js';
import { NO_CAPS, type BandwidthCaps, type MigrationRequest } from '../src/request.js';
import { silent } from './support/simulated-migration.js';

const id = '6f1c';

class FakeMigration {
  readonly id = id;
  readonly calls: unknown[] = [];
  readonly request: MigrationRequest;
  refusal: PageferryError | undefined;
  #bandwidthCaps = NO_CAPS;

  constructor(request: MigrationRequest) {
    this.request = request;
  }

  get view(): OutgoingView {
    const { guest, destination, mode } = this.request;
    return {
      id,
      guest,
      destination: { url: destination.url, guest },
      mode,
      state: 'setup',
      history: [{ state: 'setup', at: 1_700_000_000_000 }],
      startedAt: 1_700_000_000_000,
      totalMs: 1,
      downtimeMs: null,
      downtime: null,
      iterations: 0,
      iterationTable: [],
      memory: null,
      remainingPages: 0,
      bandwidthCaps: this.#bandwidthCaps,
      pages: { ...NOTHING_SENT, requested: 0, pushed: 0 },
      bytes: { sent: 0 },
      bandwidth: null,
      dirtyRate: null,
      error: null,
    };
  }

  cancel(): void {
    this.#called('cancel');
  }

  forceSwitchOver(): void {
    this.#called('switchover');
  }

  changeBandwidthCaps(caps: Partial<BandwidthCaps>): void {
    this.#called(caps);
    this.#bandwidthCaps = { ...this.#bandwidthCaps, ...caps };
  }

  #called(what: unknown): void {
    if (this.refusal !== undefined) throw this.refusal;
    this.calls.push(what);
  }
}

class FakeMigrations implements ServedMigrations {
  readonly started: FakeMigration[] = [];
  refusal: PageferryError | undefined;

  get views(): OutgoingView[] {
    return this.started.map(({ view }) => view);
  }

  readonly find = (wanted: string): FakeMigration => {
    const found = this.started.find((migration) => migration.id === wanted);
    if (found === undefined) throw new PageferryError('migration-not-found', `no migration ${wanted}`);
    return found;
  };

  readonly start = async (request: MigrationRequest): Promise<FakeMigration> => {
    await Promise.resolve();
    if (this.refusal !== undefined) throw this.refusal;
    const migration = new FakeMigration(request);
    this.started.push(migration);
    return migration;
  };
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

const minimal = { guest: 'web1', destination: { url: 'ws://10.0.0.2:7411' } };

let migrations: FakeMigrations;
let call: (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, payload?: object) => Promise<Answer>;

beforeEach(() => {
  migrations = new FakeMigrations();
  const server = createApi(migrations, silent);
  call = async (method, url, payload) => {
    const response = await server.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
    return { status: response.statusCode, headers: response.headers, body: response.json() };
  };
  return () => server.close();
});

async function started(): Promise<FakeMigration> {
  return migrations.start({
    ...minimal,
    mode: 'hybrid',
    downtimeLimitMs: 300,
    timeLimitMs: 1000,
    sourceAfter: 'quit',
  });
}

test('a migration is started with the defaults of what the request leaves out', async () => {
  const { status, headers, body } = await call('POST', '/v1/migrations', minimal);
  expect(status).toBe(202);
  expect(headers['location']).toBe(`/v1/migrations/${id}`);
  expect(body).toEqual(migrations.find(id).view);
  expect(migrations.find(id).request).toEqual({
    ...minimal,
    mode: 'hybrid',
    downtimeLimitMs: 300,
    timeLimitMs: 3_600_000,
    sourceAfter: 'quit',
  });
});

test('a migration is started with all that the request says', async () => {
  const request = {
    guest: 'web1',
    destination: { url: 'wss://host.example:7411/', guest: 'web1-new' },
    mode: 'precopy',
    downtimeLimitMs: 60_000,
    timeLimitMs: 1000,
    whenStalled: 'stop',
    bandwidthCaps: { precopy: 1_000_000, postcopy: 0 },
    sourceAfter: 'keep',
  };
  expect((await call('POST', '/v1/migrations', request)).status).toBe(202);
  expect(migrations.find(id).request).toEqual(request);
});

test.each<[string, object]>([
  ['guest', {}],
  ['guest', { guest: '../web1' }],
  ['destination', { destination: 'ws://10.0.0.2:7411' }],
  ['url', { destination: { url: 'http://10.0.0.2:7411' } }],
  ['url', { destination: { url: 'ws://10.0.0.2:7411/v1/stream' } }],
  ['mode', { mode: 'teleport' }],
  ['downtimeLimitMs', { downtimeLimitMs: 0 }],
  ['downtimeLimitMs', { downtimeLimitMs: '300' }],
  ['bandwidthCaps', { bandwidthCaps: { precopy: -1 } }],
  ['bandwidthCaps', { bandwidthCaps: { upload: 1 } }],
  ['speed', { speed: 'fast' }],
])('a request whose %s is not right is refused: %j', async (key, more) => {
  const payload =
    Object.keys(more).length === 0 ? { destination: minimal.destination } : { ...minimal, ...more };
  const { status, headers, body } = await call('POST', '/v1/migrations', payload);
  expect(status).toBe(400);
  expect(headers['content-type']).toContain('application/problem+json');
  expect(body).toMatchObject({ type: 'urn:pageferry:error:request-invalid' });
  expect(JSON.stringify(body)).toContain(key);
  expect(migrations.started).toEqual([]);
});

test('a migration that cannot be started is a problem', async () => {
  migrations.refusal = new PageferryError('guest-busy', 'the guest "web1" is being migrated');
  const { status, body } = await call('POST', '/v1/migrations', minimal);
  expect(status).toBe(409);
  expect(body).toMatchObject({
    type: 'urn:pageferry:error:guest-busy',
    detail: 'the guest "web1" is being migrated',
    host: 'source',
  });
});

test('migrations are listed and shown', async () => {
  expect((await call('GET', '/v1/migrations')).body).toEqual({ migrations: [] });
  const { view } = await started();
  expect(await call('GET', '/v1/migrations')).toMatchObject({ status: 200, body: { migrations: [view] } });
  expect(await call('GET', `/v1/migrations/${id}`)).toMatchObject({ status: 200, body: view });
});

test.each(['cancel', 'switchover'])('a migration takes %s', async (what) => {
  const migration = await started();
  const { status, body } = await call('POST', `/v1/migrations/${id}/${what}`);
  expect(status).toBe(202);
  expect(body).toEqual(migration.view);
  expect(migration.calls).toEqual([what]);
});

test.each([{ precopy: 1000 }, { postcopy: 0 }, { precopy: 1, postcopy: 2 }, {}])(
  'limits on the bandwidth are changed: %j',
  async (bandwidthCaps) => {
    const migration = await started();
    const { status, body } = await call('PATCH', `/v1/migrations/${id}`, { bandwidthCaps });
    expect(status).toBe(200);
    expect(body).toMatchObject({ bandwidthCaps: { ...NO_CAPS, ...bandwidthCaps } });
    expect(migration.calls).toEqual([bandwidthCaps]);
  },
);

test.each<object>([
  {},
  { mode: 'postcopy' },
  { bandwidthCaps: { precopy: 1.5 } },
  { bandwidthCaps: { precopy: 1 }, mode: 'postcopy' },
])('nothing else about a migration is changed: %j', async (change) => {
  const migration = await started();
  expect((await call('PATCH', `/v1/migrations/${id}`, change)).status).toBe(400);
  expect(migration.calls).toEqual([]);
});

test.each<['GET' | 'POST' | 'PATCH', string, object?]>([
  ['GET', ''],
  ['PATCH', '', { bandwidthCaps: {} }],
  ['POST', '/cancel'],
  ['POST', '/switchover'],
])('%s of a migration that is not there is a problem: %j', async (method, what, payload) => {
  const { status, body } = await call(method, `/v1/migrations/other${what}`, payload);
  expect(status).toBe(404);
  expect(body).toMatchObject({ type: 'urn:pageferry:error:migration-not-found' });
});

test.each(['cancel', 'switchover'])('%s at the wrong time is a problem', async (what) => {
  (await started()).refusal = new PageferryError('migration-state', 'it is over');
  const { status, body } = await call('POST', `/v1/migrations/${id}/${what}`);
  expect(status).toBe(409);
  expect(body).toMatchObject({ type: 'urn:pageferry:error:migration-state', detail: 'it is over' });
});

test('says that it is well', async () => {
  expect(await call('GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
});

test('everything else is not there', async () => {
  expect((await call('DELETE', `/v1/migrations/${id}`)).status).toBe(404);
});
