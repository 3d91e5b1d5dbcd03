import { Type } from '@sinclair/typebox';
import { PageferryError } from '@pageferry/errors';
import { expect, onTestFinished, test } from 'vitest';
import {
  createHttpServer,
  createLogger,
  describeApi,
  serveHealth,
  serveMigrations,
  type HttpServer,
  type ListedMigrations,
} from '../../src/index.js';

const all = ['one', 'two', 'three'].map((id, index) => ({
  id,
  guest: `web${index % 2}`,
  state: index === 2 ? 'failed' : 'completed',
  startedAt: index,
}));

const migrations: ListedMigrations = {
  views: all,
  view: (id) => {
    const found = all.find((view) => view.id === id);
    if (found === undefined) throw new PageferryError('migration-not-found', `no ${id}`);
    return found;
  },
};

function serve(): HttpServer {
  const server = createHttpServer({ log: createLogger({ name: 'test', level: 'fatal' }) });
  onTestFinished(() => server.close());
  const Migration = Type.Object(
    { id: Type.String(), guest: Type.String(), state: Type.String(), startedAt: Type.Integer() },
    { $id: 'Migration' },
  );
  const states = Type.Union([Type.Literal('completed'), Type.Literal('failed')]);
  describeApi(server, {
    title: 'test',
    description: 'test',
    version: '1',
    schemas: [Migration],
    routes: () => {
      serveMigrations(server, migrations, states);
      serveHealth(server, () => Promise.resolve([]));
    },
  });
  return server;
}

const listed = async (query: string): Promise<unknown> =>
  (await serve().inject(`/v1/migrations?${query}`)).json<unknown>();

test('lists the newest first, page by page', async () => {
  expect(await listed('limit=2')).toEqual({ migrations: [all[2], all[1]], next: 'two' });
  expect(await listed('limit=2&after=two')).toEqual({ migrations: [all[0]], next: null });
});

test.each([
  ['guest=web0', [all[2], all[0]]],
  ['state=failed', [all[2]]],
  ['state=failed&guest=web1', []],
])('lists only %s', async (query, expected) => {
  expect(await listed(query)).toEqual({ migrations: expected, next: null });
});

test.each(['state=lost', 'limit=0', 'limit=101', 'after=nothing'])('refuses %s', async (query) => {
  expect(await listed(query)).toMatchObject({ type: 'urn:pageferry:error:request-invalid', status: 400 });
});

test('shows one', async () => {
  expect((await serve().inject('/v1/migrations/two')).json()).toEqual(all[1]);
  expect((await serve().inject('/v1/migrations/four')).statusCode).toBe(404);
});

test('says in its document what is answered without a right token, or to too many requests', async () => {
  const document = (await serve().inject('/openapi.json')).json<unknown>();
  expect(document).toMatchObject({
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    paths: {
      '/v1/migrations': {
        get: { responses: { 401: anAnswer('www-authenticate'), 429: anAnswer('retry-after') } },
      },
      '/readyz': { get: { responses: { 401: anAnswer('www-authenticate') } } },
      '/healthz': { get: { security: [], responses: { 429: anAnswer('retry-after') } } },
    },
  });
});

function anAnswer(header: string): unknown {
  return { headers: { [header]: {} }, content: { 'application/problem+json': {} } };
}
