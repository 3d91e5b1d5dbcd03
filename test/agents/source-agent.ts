import { Agent, type AgentOptions } from './agent.js';
import { SourceClient } from './source-client.js';

export class SourceAgent extends Agent {
  readonly client = new SourceClient(() => this.connect());

  static async start(options: AgentOptions): Promise<SourceAgent> {
    const agent = new SourceAgent('source-agent', options);
    await agent.start();
    return agent;
  }
}
