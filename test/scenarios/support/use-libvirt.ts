import { afterAll, afterEach, beforeAll } from 'vitest';
import { startAgents, type Agents, type AgentsOptions } from '../../agents/agents.js';
import type { DomainHardware } from '../../hosts/libvirt-domain-xml.js';
import { LibvirtGuest } from '../../hosts/libvirt-guest.js';
import { LibvirtHost } from '../../hosts/libvirt-host.js';
import type { QemuAccount } from '../../hosts/libvirt-settings.js';

/** Newest lines of a daemon that are shown of a test that has failed. */
const shownLines = 30;

export interface LibvirtOptions extends Pick<AgentsOptions, 'sourceAccount' | 'destinationAccount'> {
  readonly hardware: DomainHardware;
  /** Whom libvirt runs QEMU as. */
  readonly qemuAccount?: QemuAccount;
  /** The image of the guest's disk, the same on both hosts; it has none if not given. */
  readonly disk?: () => string;
}

/** Both daemons, and the domain as it is defined on both hosts. */
export interface LibvirtPair {
  readonly agents: Agents;
  readonly here: LibvirtGuest;
  readonly there: LibvirtGuest;
}

/** Starts two hosts with a libvirt each for all tests of a file, and defines a domain on both. */
export function useLibvirt({ hardware, qemuAccount, disk, ...accounts }: LibvirtOptions): () => LibvirtPair {
  const closers: (() => Promise<unknown>)[] = [];
  const hosts: LibvirtHost[] = [];
  let pair: LibvirtPair | undefined;

  const createHost = async (): Promise<LibvirtHost> => {
    const host = await LibvirtHost.create(qemuAccount);
    hosts.push(host);
    closers.push(() => host.close());
    return host;
  };
  const define = async (host: LibvirtHost): Promise<LibvirtGuest> => {
    const guest = await LibvirtGuest.define(host, hardware, disk?.());
    closers.push(() => guest.destroy());
    return guest;
  };

  beforeAll(async () => {
    const [source, destination] = [await createHost(), await createHost()] as const;
    const agents = await startAgents({
      sourceFlags: ['--libvirt-uri', source.uri],
      destinationFlags: ['--driver', 'libvirt', '--libvirt-uri', destination.uri],
      ...accounts,
    });
    closers.push(() => agents.close());
    await source.start(agents.hosts.source);
    await destination.start(agents.hosts.destination);
    pair = { agents, here: await define(source), there: await define(destination) };
  });
  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail' || pair === undefined) return;
    for (const host of hosts) console.log(await host.log());
    for (const agent of [pair.agents.sourceAgent, pair.agents.destinationAgent]) {
      for (const line of (await agent.logLines()).slice(-shownLines)) console.log(JSON.stringify(line));
    }
  });
  afterAll(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  return () => {
    if (pair === undefined) throw new Error('the hosts are started before the first test');
    return pair;
  };
}
