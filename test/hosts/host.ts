import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { startBound, type BoundProcess, type BoundProcessOptions } from '../environment/bound-process.js';
import { run } from '../environment/run.js';
import { fieldsOf, numberOf } from '../environment/values.js';
import { Gateway } from './gateway.js';

/** What a network interface has counted since it exists, link-level headers included. */
export interface Traffic {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

export interface HostOptions {
  /** As the other host reaches it. */
  readonly address: string;
  readonly networkInterface: string;
  /** Unset for a host that is this process's own network. */
  readonly networkNamespace?: string;
}

/** One of two test hosts. */
export class Host {
  readonly address: string;
  readonly networkNamespace: string | undefined;
  readonly #interface: string;
  #gateway: Promise<Gateway> | undefined;

  constructor(options: HostOptions) {
    this.address = options.address;
    this.networkNamespace = options.networkNamespace;
    this.#interface = options.networkInterface;
  }

  /** Starts a program on this host; it ends at the latest with this process. */
  start(
    program: string,
    args: readonly string[],
    options: Omit<BoundProcessOptions, 'networkNamespace'> = {},
  ): Promise<BoundProcess> {
    return startBound(program, args, { ...options, networkNamespace: this.networkNamespace });
  }

  /** A connection to a server on this host, that does not pass the interface to the other host. */
  async connect(port: number, address = '127.0.0.1'): Promise<Socket> {
    if (this.networkNamespace !== undefined) {
      this.#gateway ??= Gateway.open(this.networkNamespace);
      return (await this.#gateway).connect(port, address);
    }
    const socket = createConnection(port, address);
    await once(socket, 'connect');
    return socket;
  }

  async close(): Promise<void> {
    await (await this.#gateway)?.close();
  }

  /** What has passed the interface to the other host. */
  async traffic(): Promise<Traffic> {
    const inNamespace = this.networkNamespace === undefined ? [] : ['-n', this.networkNamespace];
    const listing: unknown = JSON.parse(
      await run('ip', [...inNamespace, '-json', '-statistics', 'link', 'show', 'dev', this.#interface]),
    );
    const link = fieldsOf(Array.isArray(listing) ? listing[0] : undefined);
    const counters = fieldsOf(link['stats64']);
    return {
      receivedBytes: numberOf(fieldsOf(counters['rx']), 'bytes'),
      sentBytes: numberOf(fieldsOf(counters['tx']), 'bytes'),
    };
  }
}
