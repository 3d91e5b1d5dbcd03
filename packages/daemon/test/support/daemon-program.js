// A daemon whose behaviour its tests choose by `--behaviour`.
import { setInterval } from 'node:timers';
import { setTimeout as delay } from 'node:timers/promises';
import { Type } from '@sinclair/typebox';
import { daemonSettings, runDaemon, untilAborted } from '../../dist/index.js';

const behaviours = {
  obey: async ({ signal, log }) => {
    await untilAborted(signal);
    await delay(50);
    log.info('closed');
  },
  serve: async ({ signal, service }) => {
    service.ready();
    service.showStatus(() => 'serving');
    await untilAborted(signal);
  },
  waitManyTimes: async ({ signal }) => {
    await Promise.all(Array.from({ length: 64 }, () => untilAborted(signal)));
  },
  throwReason: async ({ signal }) => {
    await untilAborted(signal);
    signal.throwIfAborted();
  },
  hang: () => new Promise(() => undefined),
  end: () => Promise.resolve(),
  fail: () => Promise.reject(new Error('no port')),
  rejectElsewhere: () => {
    void Promise.reject(new Error('forgotten'));
    return new Promise(() => undefined);
  },
};

const schema = Type.Object({
  ...daemonSettings,
  behaviour: Type.String({ description: 'What main does' }),
});

await runDaemon({
  name: 'test-daemon',
  description: 'A daemon for tests',
  version: '1.2.3',
  schema,
  closeTimeoutMs: 500,
  main: (context) => {
    setInterval(() => undefined, 1000);
    context.log.info('ready');
    return behaviours[context.configuration.behaviour](context);
  },
});
