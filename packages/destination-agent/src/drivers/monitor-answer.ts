import { QmpClient, runState } from '@pageferry/qemu';

const TIMEOUT_MS = 2_000;

/** The run state that QEMU's monitor says, or undefined if it does not answer, or serves someone else. Never rejects. */
export async function monitorAnswer(socket: string): Promise<string | undefined> {
  try {
    const qmp = await QmpClient.connect(socket, { timeoutMs: TIMEOUT_MS });
    try {
      return (await runState(qmp, { timeoutMs: TIMEOUT_MS })).status;
    } finally {
      qmp.close();
    }
  } catch {
    return undefined;
  }
}
