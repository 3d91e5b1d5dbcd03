import { onTestFinished, expect, test } from 'vitest';
import { EventFeed, EventStreams, createHttpServer } from '../../src/index.js';
import { recordingLog } from '../support/log-lines.js';

test('a stream with nothing to tell shows that it lives', async () => {
  const server = createHttpServer({ log: recordingLog().log });
  const streams = new EventStreams({ heartbeatMs: 5 });
  server.addHook('preClose', (done) => {
    streams.close();
    done();
  });
  onTestFinished(() => server.close());
  const feed = new EventFeed();
  server.get('/events', (_request, reply) => {
    streams.open(reply, { events: [], feed });
    return reply;
  });
  const address = await server.listen({ host: '127.0.0.1', port: 0 });
  const response = await fetch(`${address}/events`);
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (text.includes(':\n\n:\n\n')) break;
  }
  expect(text).toMatch(/^(:\n\n)+$/);
});

test('a server that closes does not wait for those who follow', async () => {
  const server = createHttpServer({ log: recordingLog().log });
  const streams = new EventStreams();
  server.addHook('preClose', (done) => {
    streams.close();
    done();
  });
  server.get('/events', (_request, reply) => {
    streams.open(reply, { events: [], feed: new EventFeed() });
    return reply;
  });
  const address = await server.listen({ host: '127.0.0.1', port: 0 });
  await fetch(`${address}/events`);
  expect(streams.count).toBe(1);
  await server.close();
  await expect.poll(() => streams.count).toBe(0);
});
