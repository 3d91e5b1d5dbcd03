import { afterEach, describe, expect, it } from 'vitest';
import { findProcessId } from '../../src/machine/process-id.js';
import { QmpClient } from '../../src/qmp/qmp-client.js';
import { BareQemu } from '../support/bare-qemu.js';
import { expectError } from '../support/expect-error.js';
import { FakeQmpServer } from '../support/fake-qmp-server.js';

describe('findProcessId', () => {
  const opened: { kill?: () => Promise<void>; close?: () => Promise<void> | void }[] = [];
  afterEach(async () => {
    for (const resource of opened.splice(0)) await (resource.kill ?? resource.close)?.call(resource);
  });

  async function withThread(threadId: number): Promise<QmpClient> {
    const server = await FakeQmpServer.answering(({ id }, socket) => {
      socket.write(`{"return": [{"thread-id": ${threadId}}], "id": ${id}}\r\n`);
    });
    opened.push(server);
    const qmp = await QmpClient.connect(server.path);
    opened.push(qmp);
    return qmp;
  }

  it.each(['thread=single', 'thread=multi'])('finds the process of a QEMU with %s', async (thread) => {
    const qemu = await BareQemu.start('-accel', `tcg,${thread}`, '-m', '64', '-smp', '2');
    opened.push(qemu);
    expect(await findProcessId(qemu.qmp)).toBe(qemu.pid);
  });

  it('says so when QEMU runs elsewhere', async () => {
    await expectError(findProcessId(await withThread(2 ** 30)), 'memory-unreadable', 'PID namespace');
  });

  it('does not take an answer without a thread', async () => {
    await expectError(findProcessId(await withThread(NaN)), 'qmp-protocol');
  });
});
