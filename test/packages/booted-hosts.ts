import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { namespaceHosts } from '../hosts/namespace-hosts.js';
import type { Hosts } from '../hosts/hosts.js';
import { builtPackages } from './built-packages.js';
import { certificatesFor } from './certificates.js';
import { Container } from './container.js';
import { debianTree, installTools } from './debian-tree.js';
import { secure } from './prepare-host.js';

/** The services of the packages. */
export const sourceService = 'pageferry-source-agent';
export const destinationService = 'pageferry-destination-agent';

/** Settings of an agent, as its file in /etc/default has them. */
export type Settings = Readonly<Record<string, string>>;

/** Two hosts with nothing but Debian and QEMU; the packages lie in /root. */
export class BootedHosts {
  readonly source: Container;
  readonly destination: Container;
  readonly #namespaces: Hosts;

  private constructor(namespaces: Hosts, source: Container, destination: Container) {
    this.#namespaces = namespaces;
    this.source = source;
    this.destination = destination;
  }

  /** @param more of Debian's packages that they have besides */
  static async boot(more: readonly string[] = []): Promise<BootedHosts> {
    await installTools();
    const tree = await debianTree(more);
    const packages = await builtPackages();
    const namespaces = await namespaceHosts();
    const booted: Container[] = [];
    const boot = async (name: 'source' | 'destination'): Promise<Container> => {
      const container = await Container.boot(name, tree, namespaces[name].networkNamespace ?? '');
      booted.push(container);
      return container;
    };
    try {
      const hosts = new BootedHosts(namespaces, await boot('source'), await boot('destination'));
      for (const container of hosts.both) await bring(container, packages, 'root');
      return hosts;
    } catch (error) {
      for (const container of booted) await container.close();
      await namespaces.close();
      throw error;
    }
  }

  get both(): readonly [Container, Container] {
    return [this.source, this.destination];
  }

  /** Of the destination's stream listener, once it is {@link secure}. */
  get url(): string {
    return `wss://${this.#namespaces.destination.address}:7411`;
  }

  /** Installs the packages. */
  async install(): Promise<void> {
    for (const container of this.both) await container.run('sh', '-c', 'dpkg --install /root/*.deb');
  }

  /** Has the agents believe each other, by certificates, and restarts them. */
  async secure(settings: { readonly source: Settings; readonly destination: Settings }): Promise<void> {
    const { source, destination } = this.#namespaces;
    const certificates = await certificatesFor({ source: source.address, destination: destination.address });
    await secure(this.source, sourceService, certificates.source, {
      ...settings.source,
      PAGEFERRY_TLS_CERTIFICATE: '/etc/pageferry/certificate.pem',
      PAGEFERRY_TLS_KEY: 'credential:key',
      PAGEFERRY_TLS_AUTHORITY: '/etc/pageferry/authority.pem',
    });
    await secure(this.destination, destinationService, certificates.destination, {
      ...settings.destination,
      PAGEFERRY_STREAM_HOST: destination.address,
      PAGEFERRY_STREAM_TLS_CERTIFICATE: '/etc/pageferry/certificate.pem',
      PAGEFERRY_STREAM_TLS_KEY: 'credential:key',
      PAGEFERRY_STREAM_TLS_CLIENT_AUTHORITY: '/etc/pageferry/authority.pem',
      PAGEFERRY_STREAM_ALLOWED_PEERS: 'source.test',
    });
  }

  async close(): Promise<void> {
    for (const container of this.both) await container.close();
    await this.#namespaces.close();
  }
}

/** Copies packages of this machine into a folder there. */
export async function bring(
  container: Container,
  packages: readonly string[],
  folder: string,
): Promise<void> {
  for (const path of packages) await container.write(join(folder, basename(path)), await readFile(path));
}
