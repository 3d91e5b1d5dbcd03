import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { asPageferryError, sleep } from '@pageferry/errors';
import { QmpClient, runState, stopGuest } from '@pageferry/qemu';
import { onTestFinished } from 'vitest';

/** No test needs a QEMU for longer, ms. */
const LIFETIME_MS = 50_000;
const START_TIMEOUT_MS = 10_000;

/** A QEMU that runs its firmware, with one monitor for the agent and one for the test. */
export class RunningQemu {
  readonly #process: ChildProcess;
  readonly #qmp: QmpClient;
  readonly exited: Promise<unknown>;

  private constructor(process: ChildProcess, qmp: QmpClient, exited: Promise<unknown>) {
    this.#process = process;
    this.#qmp = qmp;
    this.exited = exited;
  }

  /** @param socket where the agent finds it */
  static async start(socket: string): Promise<RunningQemu> {
    const ownSocket = `${socket}.test`;
    const process = spawn(
      'qemu-system-x86_64',
      [
        ...['-nodefaults', '-no-user-config', '-display', 'none', '-accel', 'tcg', '-m', '32'],
        ...['-qmp', `unix:${socket},server=on,wait=off`],
        ...['-qmp', `unix:${ownSocket},server=on,wait=off`],
      ],
      { stdio: 'ignore', timeout: LIFETIME_MS, killSignal: 'SIGKILL' },
    );
    const exited = once(process, 'exit');
    onTestFinished(async () => {
      process.kill('SIGKILL');
      await exited;
    });
    return new RunningQemu(process, await connectWhenUp(ownSocket), exited);
  }

  async isRunning(): Promise<boolean> {
    return (await runState(this.#qmp)).running;
  }

  async stop(): Promise<void> {
    await stopGuest(this.#qmp);
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

async function connectWhenUp(socket: string): Promise<QmpClient> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      return await QmpClient.connect(socket);
    } catch (thrown) {
      if (performance.now() > deadline) throw asPageferryError(thrown);
      await sleep(20);
    }
  }
}
