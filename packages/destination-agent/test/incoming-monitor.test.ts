import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { FakeQmpServer, speakQmp } from '../../qemu/test/support/fake-qmp-server.js';
import { IncomingMonitor } from '../src/incoming-monitor.js';

let breakConnection: () => void;
let monitor: IncomingMonitor;

beforeEach(async () => {
  const speak = speakQmp(() => undefined);
  const server = await FakeQmpServer.listen((socket) => {
    breakConnection = () => {
      socket.destroy();
    };
    speak(socket);
  });
  onTestFinished(() => server.close());
  monitor = await IncomingMonitor.connect(server.path);
});

test('says when QEMU ends its connection', async () => {
  breakConnection();
  expect(await monitor.broken).toMatchObject({ code: 'qmp-closed' });
});

test.each(['close', 'leave'] as const)('has nothing to say of its own end: %s', async (end) => {
  let isBroken = false;
  void monitor.broken.then(() => {
    isBroken = true;
  });
  await monitor[end]();
  await monitor.qmp.closed;
  await turn();
  expect(isBroken).toBe(false);
});
