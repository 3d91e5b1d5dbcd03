import { PageferryError } from '@pageferry/errors';
import { beforeEach, describe, expect, test } from 'vitest';
import { createApi } from '../src/api.js';
import { NO_CAPS } from '../src/request.js';
import {
  FakeMigrations,
  dryRun,
  id,
  noGangs,
  noPreparations,
  type FakeMigration,
} from './support/fake-migrations.js';
import { silent } from './support/simulated-migration.js';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

const minimal = { guest: 'web1', destination: { url: 'ws://10.0.0.2:7411' } };

let migrations: FakeMigrations;
let call: (
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  url: string,
  payload?: object,
  headers?: Record<string, string>,
) => Promise<Answer>;

beforeEach(() => {
  migrations = new FakeMigrations();
  const server = createApi({ migrations, gangs: noGangs, preparations: noPreparations }, silent);
  call = async (method, url, payload, headers = {}) => {
    const response = await server.inject({
      method,
      url,
      headers,
      ...(payload === undefined ? {} : { payload }),
    });
    const body: unknown = response.body === '' ? undefined : response.json();
    return { status: response.statusCode, headers: response.headers, body };
  };
  return () => server.close();
});

async function started(): Promise<FakeMigration> {
  return migrations.start({
    ...minimal,
    mode: 'precopy',
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
  ['url', { destination: { url: 'ws://user@10.0.0.2:7411' } }],
  ['url', { destination: { url: 'ws://user:password@10.0.0.2:7411' } }],
  ['url', { destination: { url: 'ws://10.0.0.2:7411?x=1' } }],
  ['url', { destination: { url: 'ws://10.0.0.2 7411' } }],
  ['url', { destination: { url: 'ws://:7411' } }],
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
  expect((await call('GET', '/v1/migrations')).body).toEqual({ migrations: [], next: null });
  const { view } = await started();
  const { iterationTable, ...listed } = view;
  expect(iterationTable).toEqual([]);
  expect((await call('GET', '/v1/migrations')).body).toEqual({ migrations: [listed], next: null });
  expect(await call('GET', `/v1/migrations/${id}`)).toMatchObject({ status: 200, body: view });
});

test('of many migrations a page is listed, the newest first, and what the filter names', async () => {
  for (let index = 0; index < 5; index++) migrations.end(`m${index}`, index, index % 2 === 0 ? 'web1' : 'db');
  const list = async (query: string): Promise<unknown> => (await call('GET', `/v1/migrations?${query}`)).body;
  expect(await list('limit=2')).toMatchObject({ migrations: [{ id: 'm4' }, { id: 'm3' }], next: 'm3' });
  expect(await list('limit=2&after=m3')).toMatchObject({
    migrations: [{ id: 'm2' }, { id: 'm1' }],
    next: 'm1',
  });
  expect(await list('limit=2&after=m1')).toMatchObject({ migrations: [{ id: 'm0' }], next: null });
  expect(await list('guest=db')).toMatchObject({ migrations: [{ id: 'm3' }, { id: 'm1' }], next: null });
  expect(await list('state=setup')).toEqual({ migrations: [], next: null });
  expect(await list('limit=1&state=completed&guest=web1&after=m4')).toMatchObject({
    migrations: [{ id: 'm2' }],
    next: 'm2',
  });
});

test.each(['limit=0', 'limit=101', 'state=flying', 'after=gone'])(
  'a list of %s is refused',
  async (query) => {
    expect(await call('GET', `/v1/migrations?${query}`)).toMatchObject({
      status: 400,
      body: { type: 'urn:pageferry:error:request-invalid' },
    });
  },
);

test('a migration that is over is forgotten, one under way is not', async () => {
  migrations.end('m1', 1, 'web1');
  expect(await call('DELETE', '/v1/migrations/m1')).toMatchObject({ status: 204, body: undefined });
  expect((await call('GET', '/v1/migrations/m1')).status).toBe(404);
  expect((await call('DELETE', '/v1/migrations/m1')).status).toBe(404);
  await started();
  expect((await call('DELETE', `/v1/migrations/${id}`)).status).toBe(409);
});

describe('a request with a key', () => {
  const post = async (key: string, payload: object): Promise<Answer> =>
    call('POST', '/v1/migrations', payload, { 'idempotency-key': key });

  test('is carried out once, and answered again', async () => {
    const [first, second] = await Promise.all([post('k', minimal), post('k', minimal)]);
    expect(first.status).toBe(202);
    expect([second.status, second.body]).toEqual([202, first.body]);
    expect((await post('k', minimal)).headers['location']).toBe(`/v1/migrations/${id}`);
    expect(migrations.started).toHaveLength(1);
  });

  test('is refused if the key belongs to another one', async () => {
    await post('k', minimal);
    expect(await post('k', { ...minimal, mode: 'precopy' })).toMatchObject({
      status: 422,
      body: { type: 'urn:pageferry:error:idempotency-key-reused' },
    });
    await post('other', minimal);
    expect(migrations.started).toHaveLength(2);
  });

  test('may be tried again if it failed', async () => {
    migrations.refusal = new PageferryError('guest-busy', 'not yet');
    expect((await post('k', minimal)).status).toBe(409);
    migrations.refusal = undefined;
    expect((await post('k', minimal)).status).toBe(202);
  });

  test.each(['', 'two words', 'x'.repeat(256)])('is refused if that is no key: "%s"', async (key) => {
    expect((await post(key, minimal)).status).toBe(400);
    expect(migrations.started).toEqual([]);
  });
});

test('a dry run answers what it finds, and starts nothing', async () => {
  expect(await call('POST', '/v1/migrations', { ...minimal, dryRun: true })).toMatchObject({
    status: 200,
    body: dryRun,
  });
  expect(migrations.started).toEqual([]);
});

test.each<[string, object | undefined, unknown]>([
  ['cancel', undefined, ['cancel']],
  ['switchover', undefined, ['switchover', undefined]],
  ['switchover', {}, ['switchover', undefined]],
  ['switchover', { with: 'stop' }, ['switchover', 'stop']],
  ['switchover', { with: 'postcopy' }, ['switchover', 'postcopy']],
  ['recover', undefined, ['recover']],
])('a migration takes %s with %j', async (what, payload, expected) => {
  const migration = await started();
  const { status, body } = await call('POST', `/v1/migrations/${id}/${what}`, payload);
  expect(status).toBe(202);
  expect(body).toEqual(migration.view);
  expect(migration.calls).toEqual([expected]);
});

test('a switch-over with something else is refused', async () => {
  const migration = await started();
  expect((await call('POST', `/v1/migrations/${id}/switchover`, { with: 'luck' })).status).toBe(400);
  expect(migration.calls).toEqual([]);
});

test.each([
  { bandwidthCaps: { precopy: 1000 } },
  { bandwidthCaps: { precopy: 1, postcopy: 2 } },
  { downtimeLimitMs: 1 },
  { timeLimitMs: 1000, whenStalled: 'stop' },
])('what was requested is changed: %j', async (change) => {
  const migration = await started();
  const { status, body } = await call('PATCH', `/v1/migrations/${id}`, change);
  expect(status).toBe(200);
  const { bandwidthCaps } = change;
  expect(body).toMatchObject({ ...change, bandwidthCaps: { ...NO_CAPS, ...bandwidthCaps } });
  expect(migration.calls).toEqual([change]);
});

test.each<object>([
  {},
  { mode: 'postcopy' },
  { bandwidthCaps: { precopy: 1.5 } },
  { bandwidthCaps: { precopy: 1 }, mode: 'postcopy' },
  { downtimeLimitMs: 0 },
  { timeLimitMs: 1 },
  { whenStalled: 'wait' },
])('nothing else about a migration is changed: %j', async (change) => {
  const migration = await started();
  expect((await call('PATCH', `/v1/migrations/${id}`, change)).status).toBe(400);
  expect(migration.calls).toEqual([]);
});

const steering = ['cancel', 'switchover', 'recover'] as const;

test.each<['GET' | 'POST' | 'PATCH' | 'DELETE', string, object?]>([
  ['GET', ''],
  ['DELETE', ''],
  ['GET', '/events'],
  ['PATCH', '', { downtimeLimitMs: 1 }],
  ...steering.map((what): ['POST', string] => ['POST', `/${what}`]),
])('%s of a migration that is not there is a problem: %j', async (method, what, payload) => {
  const { status, body } = await call(method, `/v1/migrations/other${what}`, payload);
  expect(status).toBe(404);
  expect(body).toMatchObject({ type: 'urn:pageferry:error:migration-not-found' });
});

test.each(steering)('%s at the wrong time is a problem', async (what) => {
  (await started()).refusal = new PageferryError('migration-state', 'it is over');
  const { status, body } = await call('POST', `/v1/migrations/${id}/${what}`);
  expect(status).toBe(409);
  expect(body).toMatchObject({ type: 'urn:pageferry:error:migration-state', detail: 'it is over' });
});

test('says what could be migrated from here', async () => {
  expect(await call('GET', '/v1/guests')).toMatchObject({
    status: 200,
    body: { guests: [{ name: 'web1', migratable: true, reasons: [] }] },
  });
});

test("says what a guest's memory is used for", async () => {
  expect(await call('GET', '/v1/guests/web1/memory')).toMatchObject({
    status: 200,
    body: { guest: 'web1', kernel: '6.12', reason: null, pages: { free: 2 }, map: null },
  });
  migrations.refusal = new PageferryError('guest-busy', 'it is being migrated');
  expect(await call('GET', '/v1/guests/web1/memory')).toMatchObject({
    status: 409,
    body: { type: 'urn:pageferry:error:guest-busy' },
  });
});

test.each(['..%2f..%2fetc', 'a%20b', '%00'])('looks into no guest of the name %s', async (name) => {
  expect((await call('GET', `/v1/guests/${name}/memory`)).status).toBe(400);
});

test('says whether it is ready, and what is missing', async () => {
  expect(await call('GET', '/readyz')).toMatchObject({ status: 200, body: { ready: true } });
  migrations.failing.push({ name: 'guest-memory', ok: false, detail: 'no right' });
  expect(await call('GET', '/readyz')).toEqual(
    expect.objectContaining({
      status: 503,
      body: { ready: false, checks: [{ name: 'guest-memory', ok: false, detail: 'no right' }] },
    }),
  );
});

test('says that it is well', async () => {
  expect(await call('GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
});

test('everything else is not there', async () => {
  expect((await call('DELETE', '/v1/migrations')).status).toBe(404);
});

test('tells collectors when the certificates in use expire', async () => {
  const validities = [{ what: 'TLS of the API', until: 1_800_000_000_000 }];
  const server = createApi(
    { migrations, gangs: noGangs, preparations: noPreparations },
    silent,
    {},
    { validities },
  );
  const { body } = await server.inject('/metrics');
  await server.close();
  expect(body).toContain('pageferry_certificate_expiry_timestamp_seconds{use="TLS of the API"} 1800000000\n');
});
