import type { Fields } from '../environment/values.js';
import { Agent, type AgentOptions } from './agent.js';
import { ApiClient } from './api-client.js';
import { IncomingMigration } from './migration.js';

export class DestinationAgent extends Agent {
  readonly client = new ApiClient(() => this.connect(), IncomingMigration);

  static async start(options: AgentOptions): Promise<DestinationAgent> {
    const agent = new DestinationAgent('destination-agent', options);
    await agent.start();
    return agent;
  }

  /** Where source agents reach it. */
  get url(): string {
    return `ws://${this.host.address}:${this.streamPort}`;
  }

  protected override addressFlags(ready: Fields): string[] {
    const port = ready['streamPort'];
    return [
      ...super.addressFlags(ready),
      ...['--stream-host', this.host.address],
      ...['--stream-port', typeof port === 'number' ? String(port) : '0'],
    ];
  }
}
