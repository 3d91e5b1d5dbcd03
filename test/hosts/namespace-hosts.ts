import { run } from '../environment/run.js';
import { Host } from './host.js';
import type { Hosts } from './hosts.js';
import {
  addNamespace,
  joinNamespaces,
  removeStaleNamespaces,
  shapeInterface,
  type LinkEnd,
  type Namespace,
} from './network-namespaces.js';

const networkInterface = 'eth0';
// Namespaces do not see each other: every pair can have the same addresses.
const addresses = { source: '10.77.0.1', destination: '10.77.0.2' } as const;

/** Two network namespaces joined by a veth pair; gone at the latest when this process ends. */
export async function namespaceHosts(): Promise<Hosts> {
  await removeStaleNamespaces();
  const added: Namespace[] = [];
  const remove = async (): Promise<void> => {
    // The veth pair goes with its namespaces.
    for (const namespace of added.splice(0)) await namespace.remove();
  };
  const add = async (role: 'source' | 'destination'): Promise<LinkEnd> => {
    const namespace = await addNamespace(role);
    added.push(namespace);
    return { namespace: namespace.name, networkInterface, address: [`${addresses[role]}/24`] };
  };
  try {
    const [source, destination] = [await add('source'), await add('destination')];
    await joinNamespaces(source, destination);
    return hostsOf(source, destination, remove);
  } catch (error) {
    await remove();
    throw error;
  }
}

function hostsOf(source: LinkEnd, destination: LinkEnd, remove: () => Promise<void>): Hosts {
  const host = (address: string, { namespace }: LinkEnd): Host =>
    new Host({ address, networkInterface, networkNamespace: namespace });
  const hosts = {
    source: host(addresses.source, source),
    destination: host(addresses.destination, destination),
  };
  return {
    ...hosts,
    shape: async (megabitsPerSecond) => {
      for (const end of [source, destination]) await shapeInterface(end, megabitsPerSecond);
    },
    connect: async (connected) => {
      const state = connected ? 'up' : 'down';
      await run('ip', ['-n', source.namespace, 'link', 'set', networkInterface, state]);
    },
    close: async () => {
      await hosts.source.close();
      await hosts.destination.close();
      await remove();
    },
  };
}
