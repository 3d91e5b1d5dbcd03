import { compiled } from '../environment/paths.js';
import type { Fields } from '../environment/values.js';
import { Agent, type AgentOptions } from './agent.js';
import { ApiClient } from './api-client.js';
import { IncomingMigration } from './migration.js';

const TLS_FLAG = '--stream-tls-certificate';
const OPEN_PROGRAM = compiled('agents', 'open-destination-agent.js');

export class DestinationAgent extends Agent {
  readonly client = new ApiClient(() => this.connect(), IncomingMigration);

  static async start(options: AgentOptions): Promise<DestinationAgent> {
    // With TLS as it is installed, and without as no installed one would run.
    const program = options.flags?.includes(TLS_FLAG) === true ? undefined : OPEN_PROGRAM;
    const agent = new DestinationAgent('destination-agent', { program, ...options });
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
