import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ServiceManager } from '../../src/index.js';
import { startChild } from '../support/child.js';
import { recordingLog } from '../support/log-lines.js';
import { listenAsServiceManager } from '../support/notify-socket.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** A service manager that takes nothing until it is told to. */
function slowManager(): { told: string[]; take: () => void; service: ServiceManager } {
  const told: string[] = [];
  const takes: (() => void)[] = [];
  const notify = (assignments: string): Promise<void> => {
    told.push(assignments);
    return new Promise((resolve) => takes.push(resolve));
  };
  return { told, take: () => takes.shift()?.(), service: new ServiceManager(notify, recordingLog().log) };
}

describe('a daemon under a service manager', () => {
  it('says that it is ready, what it does, that it is alive, and that it stops', async () => {
    const manager = await listenAsServiceManager();
    const daemon = startChild('daemon-program.js', ['--behaviour', 'serve'], {
      env: { NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: '100000' },
    });
    await Promise.all(['READY=1', 'STATUS=serving', 'WATCHDOG=1'].map(manager.hears));
    expect(manager.received()).not.toContain('STOPPING=1');
    daemon.process.kill('SIGTERM');
    await manager.hears('STOPPING=1');
    expect((await daemon.finished).code).toBe(0);
  });

  it('feeds no watchdog that is for another process', async () => {
    const manager = await listenAsServiceManager();
    const daemon = startChild('daemon-program.js', ['--behaviour', 'serve'], {
      env: { NOTIFY_SOCKET: manager.path, WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' },
    });
    await manager.hears('READY=1');
    daemon.process.kill('SIGTERM');
    await manager.hears('STOPPING=1');
    expect(manager.received()).not.toContain('WATCHDOG=1');
  });

  it('runs on when the service manager is gone', async () => {
    const nowhere = `${await temporaryDirectory()}/notify`;
    const daemon = startChild('daemon-program.js', ['--behaviour', 'serve'], {
      env: { NOTIFY_SOCKET: nowhere },
    });
    await daemon.shows('the service manager could not be told');
    daemon.process.kill('SIGTERM');
    expect((await daemon.finished).code).toBe(0);
  });
});

describe('ServiceManager', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('keeps only the newest status for a service manager that is slow', async () => {
    const { told, take, service } = slowManager();
    let status = 'first';
    vi.useFakeTimers({ toFake: ['setInterval'] });
    service.showStatus(() => status);
    for (status of ['second', 'third']) vi.advanceTimersByTime(1000);
    service.ready();
    expect(told).toEqual(['STATUS=first']);
    take();
    await turn();
    expect(told).toEqual(['STATUS=first', 'STATUS=third\nREADY=1']);
  });

  it('shows a status at most once a second, and only if it has changed', async () => {
    const { told, take, service } = slowManager();
    const statuses = ['idle', 'idle', 'moving'];
    const describe_ = vi.fn(() => statuses.shift() ?? 'over');
    vi.useFakeTimers({ toFake: ['setInterval'] });
    service.showStatus(describe_);
    take();
    await turn();
    vi.advanceTimersByTime(999);
    expect(describe_).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1001);
    expect(describe_).toHaveBeenCalledTimes(3);
    expect(told).toEqual(['STATUS=idle', 'STATUS=moving']);
  });

  it('lets no status say more than itself', () => {
    const { told, service } = slowManager();
    vi.useFakeTimers({ toFake: ['setInterval'] });
    service.showStatus(() => 'busy\nMAINPID=1');
    expect(told).toEqual(['STATUS=busy MAINPID=1']);
  });

  it('is silent where there is no service manager', () => {
    const describe_ = vi.fn(() => 'busy');
    const service = new ServiceManager(undefined, recordingLog().log);
    service.ready();
    service.showStatus(describe_);
    expect(describe_).not.toHaveBeenCalled();
  });
});
