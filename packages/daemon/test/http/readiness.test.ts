import { expect, onTestFinished, test } from 'vitest';
import { createHttpServer, createLogger, describeApi, serveHealth, type Check } from '../../src/index.js';

test('one look answers all who ask meanwhile, and the next look is a new one', async () => {
  const looks: ((checks: Check[]) => void)[] = [];
  const server = createHttpServer({ log: createLogger({ name: 'test', level: 'fatal' }) });
  onTestFinished(() => server.close());
  const checks = async (): Promise<Check[]> =>
    new Promise((resolve) => {
      looks.push(resolve);
    });
  describeApi(server, {
    title: 'test',
    description: 'test',
    version: '1',
    schemas: [],
    routes: () => {
      serveHealth(server, checks);
    },
  });
  const asked = ['one', 'two', 'three'].map(async () => server.inject('/readyz'));
  await expect.poll(() => looks.length).toBe(1);
  // All of them are with the handler before the look is answered.
  await server.inject('/healthz');
  looks[0]?.([{ name: 'systemd', ok: false, detail: 'is not there' }]);
  for (const answer of await Promise.all(asked)) expect(answer.statusCode).toBe(503);
  expect(looks).toHaveLength(1);

  const again = server.inject('/readyz');
  await expect.poll(() => looks.length).toBe(2);
  looks[1]?.([]);
  expect((await again).json()).toEqual({ ready: true, checks: [] });
});
