import { openHosts, type Hosts, type HostsOptions } from '../hosts/hosts.js';
import type { Account } from './account.js';
import type { DestinationAgent } from './destination-agent.js';
import { Hypervisor } from './hypervisor.js';
import type { SourceAgent } from './source-agent.js';

export interface AgentsOptions extends HostsOptions {
  readonly sourceFlags?: readonly string[];
  readonly destinationFlags?: readonly string[];
  /** Whom they run as: this process's own account by default. */
  readonly sourceAccount?: Account;
  readonly destinationAccount?: Account;
}

/** Two test hosts, the source agent on one, the destination agent on the other. */
export interface Agents {
  readonly hosts: Hosts;
  readonly source: Hypervisor;
  readonly destination: Hypervisor;
  readonly sourceAgent: SourceAgent;
  readonly destinationAgent: DestinationAgent;
  close(): Promise<void>;
}

/** Starts both daemons on two hosts of their own. */
export async function startAgents(options: AgentsOptions = {}): Promise<Agents> {
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const hosts = await openHosts(options);
    closers.push(() => hosts.close());
    const source = await Hypervisor.open(hosts.source);
    closers.push(() => source.close());
    const destination = await Hypervisor.open(hosts.destination);
    closers.push(() => destination.close());
    const sourceAgent = await source.startSourceAgent(options.sourceFlags, options.sourceAccount);
    const destinationAgent = await destination.startDestinationAgent(
      options.destinationFlags,
      options.destinationAccount,
    );
    return { hosts, source, destination, sourceAgent, destinationAgent, close };
  } catch (error) {
    await close();
    throw error;
  }
}
