import { PageferryError } from '@pageferry/errors';
import { Type } from '@sinclair/typebox';
import { readFile } from 'node:fs/promises';
import type { QmpClient, QmpOptions } from '../qmp/qmp-client.js';

const CpusSchema = Type.Array(Type.Object({ 'thread-id': Type.Integer() }), { minItems: 1 });

/**
 * QEMU's process id, through one of its vCPU threads: QMP does not tell it, but the threads'.
 * @throws `memory-unreadable` if the thread is not in this agent's /proc
 */
export async function findProcessId(qmp: QmpClient, options?: QmpOptions): Promise<number> {
  const [cpu] = await qmp.executeAs(CpusSchema, 'query-cpus-fast', undefined, options);
  const threadId = cpu?.['thread-id'] ?? 0;
  let status: string;
  try {
    status = await readFile(`/proc/${threadId}/status`, 'latin1');
  } catch (cause) {
    throw new PageferryError(
      'memory-unreadable',
      `QEMU's thread ${threadId} is not in this agent's /proc: the agent must run on QEMU's host and in its PID ` +
        'namespace (a container has one of its own)',
      { cause },
    );
  }
  const processId = Number(/^Tgid:\s*(\d+)$/m.exec(status)?.[1]);
  if (!Number.isSafeInteger(processId)) {
    throw new PageferryError('memory-unreadable', `/proc/${threadId}/status has no thread group`);
  }
  return processId;
}
