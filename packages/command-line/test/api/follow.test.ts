import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApiClient } from '../../src/api/client.js';
import { followMigration } from '../../src/api/follow.js';
import { Http } from '../../src/api/http.js';
import { events, FakeAgent, json, type Reply } from '../support/fake-agent.js';
import { completed, inPrecopy } from '../support/recorded-migration.js';

const ONE = `GET /v1/migrations/${inPrecopy.id}`;
const EVENTS = `${ONE}/events`;
const hangUp: Reply = (response) => response.destroy();

let agent: FakeAgent;
let client: ApiClient;

beforeEach(async () => {
  agent = await FakeAgent.start();
  client = new ApiClient(new Http({ url: agent.url, token: undefined, authorities: undefined }));
});
afterEach(async () => {
  await client.close();
  await agent.close();
});

async function statesOf(patienceMs: number): Promise<string[]> {
  const states: string[] = [];
  const options = { signal: new AbortController().signal, patienceMs, intervalMs: 1 };
  for await (const { value } of followMigration(client, inPrecopy.id, options)) states.push(value.state);
  return states;
}

test('an agent that is started again is waited for', async () => {
  agent.on(EVENTS, hangUp, hangUp, events([['end', completed]]));
  expect(await statesOf(60_000)).toEqual(['completed']);
});

test('an agent that stays away is not waited for without end', async () => {
  agent.on(EVENTS, hangUp);
  await expect(statesOf(0)).rejects.toMatchObject({ code: 'api-unreachable' });
});

const tooMany = json(
  { type: 'urn:pageferry:error:too-many-requests', title: 'Too many requests', status: 429 },
  429,
);

test('too many watchers make it ask instead', async () => {
  agent.on(EVENTS, tooMany).on(ONE, json(inPrecopy), json(completed));
  expect(await statesOf(0)).toEqual(['active', 'completed']);
});

test('too many questions are asked again later', async () => {
  agent.on(EVENTS, tooMany).on(ONE, tooMany, json(completed));
  expect(await statesOf(60_000)).toEqual(['completed']);
});

test('an agent of another language is no agent that is started again', async () => {
  agent.on(EVENTS, events([['state', { id: 'something else' }]]));
  await expect(statesOf(60_000)).rejects.toMatchObject({ code: 'protocol-violation' });
});

test('events that it does not know and comments are passed over', async () => {
  agent.on(EVENTS, (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const end = `event: end\ndata: ${JSON.stringify(completed)}\n\n`;
    response.end(`: keep-alive\n\nevent: weather\ndata: sunny\n\n${end}`);
  });
  expect(await statesOf(60_000)).toEqual(['completed']);
});
