import type { Host } from './host.js';
import { loopbackHosts } from './loopback-hosts.js';
import { namespaceHosts } from './namespace-hosts.js';
import { namespacesAvailable } from './network-namespaces.js';

/** Two hosts and the link between them. */
export interface Hosts {
  readonly source: Host;
  readonly destination: Host;
  /** Limits the link, in both directions, to 10^6 bits a second; undefined lifts the limit. */
  shape(megabitsPerSecond: number | undefined): Promise<void>;
  /** Pulls the plug, or puts it in again: what is sent meanwhile is lost. */
  connect(connected: boolean): Promise<void>;
  /** Takes the link and the hosts away; what runs on them is to be ended before. */
  close(): Promise<void>;
}

export interface HostsOptions {
  /** See {@link Hosts.shape}. */
  readonly megabitsPerSecond?: number | undefined;
}

/** Two network namespaces where this process may create them, or else the loopback twice, which knows no limit. */
export async function openHosts(options: HostsOptions = {}): Promise<Hosts> {
  const hosts = (await namespacesAvailable()) ? await namespaceHosts() : loopbackHosts();
  try {
    if (options.megabitsPerSecond !== undefined) await hosts.shape(options.megabitsPerSecond);
    return hosts;
  } catch (error) {
    await hosts.close();
    throw error;
  }
}
