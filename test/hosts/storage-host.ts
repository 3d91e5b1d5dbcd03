import { Host, type Traffic } from './host.js';
import type { Hosts } from './hosts.js';
import { serveByNbd, type NbdExport, type NbdImage } from './nbd-export.js';
import { addNamespace, joinNamespaces, shapeInterface, type LinkEnd } from './network-namespaces.js';

/** Its end of the link to each host is called as the host, and theirs like this. */
const networkInterface = 'storage';
// The same from both hosts, as a storage's address is.
const address = '10.77.1.1';
const clients = { source: '10.77.1.2', destination: '10.77.1.3' } as const;
const loopbackAddress = '127.0.0.3';

export type Client = keyof typeof clients;

/** A third host, whose disks the other two have in common: each of them has a link of its own to it. */
export interface StorageHost {
  /** Exports an image by a real NBD server; both hosts find it at the URL. */
  serve(image: NbdImage): Promise<NbdExport>;
  /** Limits each of its two links, in both directions, to 10^6 bits a second; undefined lifts the limit. */
  shape(megabitsPerSecond: number | undefined): Promise<void>;
  /** What has passed a host's interface to it. */
  traffic(client: Client): Promise<Traffic>;
  /** Ends its servers, and takes it and its links away; what uses them is to be ended before. */
  close(): Promise<void>;
}

/** Adds a storage host to two hosts; gone at the latest when this process ends. */
export async function openStorageHost(hosts: Hosts): Promise<StorageHost> {
  const { source, destination } = hosts;
  return source.networkNamespace === undefined || destination.networkNamespace === undefined
    ? loopbackStorage()
    : namespaceStorage({ source: source.networkNamespace, destination: destination.networkNamespace });
}

/** Exports, which end together. */
class Exports {
  readonly #host: Host;
  readonly #open: NbdExport[] = [];

  constructor(host: Host) {
    this.#host = host;
  }

  async serve(image: NbdImage): Promise<NbdExport> {
    const served = await serveByNbd(this.#host, image);
    this.#open.push(served);
    return served;
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((served) => served.close()));
    await this.#host.close();
  }
}

async function namespaceStorage(namespaces: Readonly<Record<Client, string>>): Promise<StorageHost> {
  const namespace = await addNamespace('storage');
  const { name } = namespace;
  try {
    const ends: LinkEnd[] = [];
    for (const client of ['source', 'destination'] as const) {
      const here = { namespace: name, networkInterface: client, address: [address, 'peer', clients[client]] };
      const there = {
        namespace: namespaces[client],
        networkInterface,
        address: [clients[client], 'peer', address],
      };
      await joinNamespaces(here, there);
      ends.push(here, there);
    }
    const exports = new Exports(new Host({ address, networkInterface: 'lo', networkNamespace: name }));
    return {
      serve: (image) => exports.serve(image),
      shape: async (megabitsPerSecond) => {
        for (const end of ends) await shapeInterface(end, megabitsPerSecond);
      },
      traffic: (client) =>
        new Host({
          address: clients[client],
          networkInterface,
          networkNamespace: namespaces[client],
        }).traffic(),
      close: async () => {
        await exports.close();
        await namespace.remove();
      },
    };
  } catch (error) {
    await namespace.remove();
    throw error;
  }
}

/** One more address of this machine; its traffic cannot be told from all other traffic here. */
function loopbackStorage(): StorageHost {
  const host = new Host({ address: loopbackAddress, networkInterface: 'lo' });
  const exports = new Exports(host);
  return {
    serve: (image) => exports.serve(image),
    shape: (megabitsPerSecond) =>
      megabitsPerSecond === undefined
        ? Promise.resolve()
        : Promise.reject(new Error('a shaped link takes network namespaces, and these take root')),
    traffic: () => host.traffic(),
    close: () => exports.close(),
  };
}
