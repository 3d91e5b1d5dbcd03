import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// As it is built: the keeper is a program of its own.
import { MonitorKeeper, QmpClient } from '@pageferry/qemu';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { FakeQmpServer } from '../../support/fake-qmp-server.js';

const { signal } = new AbortController();

describe('a keeper', () => {
  let qmp: QmpClient;
  let qemu: Socket;
  let path: string;

  beforeEach(async () => {
    let accept: (socket: Socket) => void = () => undefined;
    const accepted = new Promise<Socket>((resolve) => {
      accept = resolve;
    });
    const server = await FakeQmpServer.answering((command, socket) => {
      accept(socket);
      socket.write(`${JSON.stringify({ return: command.execute, id: command.id })}\r\n`);
    });
    onTestFinished(() => server.close());
    qmp = await QmpClient.connect(server.path, { outOfBand: true });
    await qmp.execute('query-status');
    qemu = await accepted;
    const folder = await mkdtemp(join(tmpdir(), 'pageferry-keeper-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    path = join(folder, 'keeper');
  });

  it('leaves the connection alone as long as its agent is there', async () => {
    const keeper = await MonitorKeeper.start(qmp, path, signal);
    expect(await qmp.execute('query-name')).toBe('query-name');
    await expect(MonitorKeeper.connect(path)).rejects.toMatchObject({ code: 'qmp-closed' });
    const closed = once(qemu, 'close');
    qmp.close();
    await keeper.release();
    await closed;
    expect(existsSync(path)).toBe(false);
  });

  it('keeps the connection when its agent is gone, until it is released', async () => {
    const keeper = await MonitorKeeper.start(qmp, path, signal);
    const closed = once(qemu, 'close');
    qmp.close();
    keeper.leave();
    let next: QmpClient | undefined;
    while (next === undefined) next = await MonitorKeeper.connect(path).catch(() => undefined);
    expect(qemu.destroyed).toBe(false);
    await MonitorKeeper.release(next);
    await closed;
  });

  it('gives up what does not become ready, and the connection stays with the agent', async () => {
    await expect(MonitorKeeper.start(qmp, '/nonexistent/keeper', signal)).rejects.toMatchObject({
      code: 'internal',
    });
    expect(qemu.destroyed).toBe(false);
    qmp.close();
  });
});
