import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { QmpClient, type QmpOptions } from '../qmp/qmp-client.js';
import { DomainMonitor } from './domain-monitor.js';
import type { DomainEvent } from './domain-events.js';
import { MonitorBridge } from './monitor-bridge.js';

export interface ConnectDomainOptions extends QmpOptions {
  /** Of a libvirt on this host: `qemu:///system`. */
  readonly uri: string;
  /** See `findDomain`. */
  readonly uuid: string;
  /** Of the caller alone; for a socket, for a moment. */
  readonly directory: string;
  /** Whether the client is to hear of QEMU's events, and of its end as soon as libvirt does; else with the next command. */
  readonly events: boolean;
}

/**
 * A connection to the monitor of a running domain, by way of libvirt. It is like any other, but for commands out of band,
 * which libvirt does not pass on, and `quit`, which libvirt carries out. What libvirt itself refuses is a `qmp-command`
 * that says so.
 *
 * @throws as `QmpClient.connect`; `guest-state` if the domain does not run; `libvirt-failed`
 */
export async function connectDomain({
  uri,
  uuid,
  directory,
  events,
  ...options
}: ConnectDomainOptions): Promise<QmpClient> {
  let tell: (event: DomainEvent) => void = () => undefined;
  const onEvent = events
    ? (event: DomainEvent): void => {
        tell(event);
      }
    : undefined;
  const monitor = await DomainMonitor.open({ uri, uuid, onEvent }, options.signal);
  const path = join(directory, `${randomUUID()}.qmp`);
  try {
    const bridge = await MonitorBridge.listen(monitor, path);
    tell = (event) => {
      bridge.tell(event);
    };
    try {
      return await QmpClient.connect(path, options);
    } catch (thrown) {
      bridge.close();
      throw thrown;
    }
  } catch (thrown) {
    monitor.close();
    throw thrown;
  } finally {
    await rm(path, { force: true });
  }
}
