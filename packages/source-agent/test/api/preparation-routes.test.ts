import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { createApi } from '../../src/api.js';
import { Preparations } from '../../src/preparation/preparations.js';
import { FakeMigrations, noGangs } from '../support/fake-migrations.js';
import { fakeIndexings, firstRound, guestToIndex, type FakeIndexing } from '../support/indexed-guests.js';
import { silent } from '../support/simulated-migration.js';

let begun: readonly FakeIndexing[];
let call: (
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  payload?: object,
  headers?: Record<string, string>,
) => Promise<{ readonly status: number; readonly location: unknown; readonly body: unknown }>;

beforeEach(() => {
  const indexings = fakeIndexings();
  begun = indexings.begun;
  const source = {
    findToIndex: async (name: string) => Promise.resolve(guestToIndex(name)),
    allToMove: async () => Promise.resolve(['web1']),
  };
  const { signal } = new AbortController();
  const preparations = new Preparations(source, silent, signal, indexings.start);
  const server = createApi({ migrations: new FakeMigrations(), gangs: noGangs, preparations }, silent);
  onTestFinished(async () => {
    await preparations.settled();
    await server.close();
  });
  call = async (method, url, payload, headers = {}) => {
    const response = await server.inject({ method, url, headers, ...(payload !== undefined && { payload }) });
    const body: unknown = response.body === '' ? undefined : response.json();
    return { status: response.statusCode, location: response.headers.location, body };
  };
});

/** The id in the address of what was begun. */
const idOf = (location: unknown): string => String(location).split('/').at(-1) ?? '';

test('guests are prepared with the defaults of what the request leaves out, shown, and let go of', async () => {
  const { status, location, body } = await call('POST', '/v1/preparations', { guests: ['web1', 'web2'] });
  expect(status).toBe(202);
  const id = idOf(location);
  expect(body).toMatchObject({ id, state: 'indexing', processorShare: 5, yields: null });
  begun[0]?.say({ kind: 'begun', yields: true });
  begun[0]?.say(firstRound);
  const { body: ready } = await call('GET', `/v1/preparations/${id}`);
  expect(ready).toMatchObject({
    id,
    state: 'ready',
    rounds: 1,
    processorMs: 70,
    yields: true,
    pages: { lone: 3 },
  });
  expect((await call('GET', '/v1/preparations')).body).toEqual({ preparations: [ready] });
  expect((await call('DELETE', `/v1/preparations/${id}`)).status).toBe(204);
  expect(begun[0]?.isStopped).toBe(true);
  expect(await call('GET', `/v1/preparations/${id}`)).toMatchObject({
    status: 404,
    body: { type: 'urn:pageferry:error:preparation-not-found' },
  });
});

test.each([
  ['no guests', {}],
  ['no processor time', { guests: 'all', processorShare: 0 }],
  ['more than a processor', { guests: 'all', processorShare: 101 }],
  ['a time that does not end', { guests: 'all', lifetimeSeconds: 1e9 }],
  ['what nobody knows', { guests: 'all', destination: { url: 'ws://127.0.0.1:9' } }],
])('a request with %s is refused', async (_what, request) => {
  expect((await call('POST', '/v1/preparations', request)).status).toBe(400);
  expect(begun).toHaveLength(0);
});

test('a request that is repeated with its key begins nothing more', async () => {
  const headers = { 'idempotency-key': 'once' };
  const first = await call('POST', '/v1/preparations', { guests: 'all' }, headers);
  const again = await call('POST', '/v1/preparations', { guests: 'all' }, headers);
  expect(again.location).toBe(first.location);
  expect(begun).toHaveLength(1);
});
