import { randomUUID } from 'node:crypto';
import { createLogger, type HttpServer } from '@pageferry/daemon';
import { expect, onTestFinished, test } from 'vitest';
import { createApi } from '../src/api.js';
import type { IncomingMigrations } from '../src/incoming-migrations.js';
import { helloOf, next, startDestination } from './support/source-side.js';

const id = randomUUID();
const anyNumber: unknown = expect.any(Number);

function apiOf(migrations: IncomingMigrations): HttpServer {
  const api = createApi(migrations, createLogger({ name: 'test', level: 'fatal' }));
  onTestFinished(() => api.close());
  return api;
}

test('says that the agent is well', async () => {
  const { migrations } = await startDestination();
  const response = await apiOf(migrations).inject('/healthz');
  expect(response.json()).toEqual({ status: 'ok' });
});

test('lists what comes in, and shows each', async () => {
  const { connect, migrations } = await startDestination();
  const api = apiOf(migrations);
  expect((await api.inject('/v1/migrations')).json()).toEqual({ migrations: [], next: null });
  const peer = await connect();
  await peer.send(helloOf(id));
  await peer.next(['welcome'], next);
  const shown = (await api.inject(`/v1/migrations/${id}`)).json<unknown>();
  expect(shown).toEqual({
    id,
    guest: null,
    mode: null,
    state: 'setup',
    history: [{ state: 'setup', at: anyNumber }],
    startedAt: anyNumber,
    owner: false,
    received: {
      normalPages: 0,
      deltaPages: 0,
      zeroPages: 0,
      referencePages: 0,
      patchPages: 0,
      restoredPages: 0,
      bytes: 0,
    },
    missingPages: 0,
    pageRequests: 0,
    error: null,
  });
  expect((await api.inject('/v1/migrations')).json()).toEqual({ migrations: [shown], next: null });
});

test('shows why a migration has failed', async () => {
  const { connect, migrations } = await startDestination();
  const peer = await connect();
  await peer.send(helloOf(id));
  await peer.next(['welcome'], next);
  await peer.send({ type: 'prepare', guest: 'web1', mode: 'precopy', machine: {} });
  await migrations.settled();
  expect((await apiOf(migrations).inject(`/v1/migrations/${id}`)).json()).toMatchObject({
    guest: 'web1',
    mode: 'precopy',
    state: 'failed',
    owner: false,
    error: { code: 'protocol-violation', host: 'destination' },
  });
});

test('answers for an unknown migration with a problem document', async () => {
  const { migrations } = await startDestination();
  const response = await apiOf(migrations).inject('/v1/migrations/none');
  expect(response.statusCode).toBe(404);
  expect(response.headers['content-type']).toContain('application/problem+json');
  expect(response.json()).toMatchObject({
    type: 'urn:pageferry:error:migration-not-found',
    host: 'destination',
  });
});

test('only looks: nothing here can be started or cancelled', async () => {
  const { migrations } = await startDestination();
  const response = await apiOf(migrations).inject({ method: 'POST', url: '/v1/migrations', payload: {} });
  expect(response.statusCode).toBe(404);
});
