import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { execPath } from 'node:process';
import type { SourceAgent } from '../../agents/source-agent.js';
import { repository } from '../../environment/paths.js';
import { stringOf } from '../../environment/values.js';

const program = join(repository, 'packages', 'command-line', 'dist', 'main.js');

export interface CommandEnd {
  readonly output: string;
  readonly errors: string;
  readonly code: number | null;
}

/** Runs the command `pageferry` on the host that the guests leave. */
export async function runPageferry(agent: SourceAgent, args: readonly string[]): Promise<CommandEnd> {
  const ready = (await agent.logLines()).findLast(({ msg }) => msg === 'ready');
  const { process, exited } = await agent.host.start(execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PAGEFERRY_API: stringOf(ready ?? {}, 'api') },
  });
  if (process.stdout === null || process.stderr === null) throw new Error('the command has no output');
  const [output, errors, { code }] = await Promise.all([text(process.stdout), text(process.stderr), exited]);
  return { output, errors, code };
}
