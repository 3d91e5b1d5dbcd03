import type { Guest, GuestOptions } from '../guests/guest.js';
import { Guests } from '../guests/guests.js';
import type { Host } from '../hosts/host.js';
import type { Account } from './account.js';
import type { Agent } from './agent.js';
import { DestinationAgent } from './destination-agent.js';
import { SourceAgent } from './source-agent.js';

/** A test host with guests on it, and with the agents that move them away or take them in. */
export class Hypervisor {
  readonly host: Host;
  readonly #guests: Guests;
  readonly #agents: Agent[] = [];

  private constructor(host: Host, guests: Guests) {
    this.host = host;
    this.#guests = guests;
  }

  static async open(host: Host): Promise<Hypervisor> {
    return new Hypervisor(host, await Guests.create());
  }

  /** Holds the guests' QMP sockets, and everything else that is on this host only. */
  get directory(): string {
    return this.#guests.directory;
  }

  async startGuest(options: Omit<GuestOptions, 'directory' | 'networkNamespace'>): Promise<Guest> {
    return this.#guests.start({ ...options, networkNamespace: this.host.networkNamespace });
  }

  async startSourceAgent(flags?: readonly string[], account?: Account): Promise<SourceAgent> {
    const options = { host: this.host, guestDirectory: this.directory, flags, account };
    const agent = await SourceAgent.start(options);
    this.#agents.push(agent);
    return agent;
  }

  async startDestinationAgent(flags?: readonly string[], account?: Account): Promise<DestinationAgent> {
    const options = { host: this.host, guestDirectory: this.directory, flags, account };
    const agent = await DestinationAgent.start(options);
    this.#agents.push(agent);
    return agent;
  }

  async killGuests(): Promise<void> {
    await this.#guests.kill();
  }

  /** Ends everything on this host and removes its files. */
  async close(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.kill()));
    await this.#guests.close();
  }
}
