import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { PageferryError, withTimeout } from '@pageferry/errors';
import { QmpClient, type QmpOptions } from '../qmp-client.js';
import { RELEASE_COMMAND } from './monitor-relay.js';

const READY_TIMEOUT_MS = 10_000;
const PROGRAM = fileURLToPath(new URL('main.js', import.meta.url));

/**
 * A small process that inherits the agent's QMP connection, and lends it to the agent's next run if the agent dies.
 *
 * In post-copy QEMU's main loop may wait for a page that only a new stream brings. A new QMP connection gets nowhere then:
 * negotiation is the main loop's. On an old one QEMU still takes `migrate-recover`, out of band. As long as the agent
 * lives the keeper does nothing at all, and nothing depends on it.
 */
export class MonitorKeeper {
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #path: string;

  private constructor(child: ChildProcess, path: string) {
    this.#process = child;
    this.#path = path;
    this.#exited = new Promise((resolve) => {
      child.once('exit', resolve);
      child.once('error', resolve);
    });
  }

  /**
   * @param qmp a connection with commands out of band
   * @param path where the next run finds it; at most 107 bytes
   * @throws `internal` if there is no such process in the end
   */
  static async start(qmp: QmpClient, path: string, signal: AbortSignal): Promise<MonitorKeeper> {
    await rm(path, { force: true });
    const greeting = JSON.stringify({ QMP: qmp.greeting });
    const child = qmp.inherit((socket) =>
      spawn(process.execPath, [PROGRAM, path, greeting], {
        stdio: ['ignore', 'ignore', 'ignore', socket, 'ipc'],
        // In a session of its own: what ends the agent must not end the keeper.
        detached: true,
        // Holds no directory busy.
        cwd: '/',
      }),
    );
    const keeper = new MonitorKeeper(child, path);
    try {
      await withTimeout(signal, READY_TIMEOUT_MS, 'internal', 'it is not ready in time', async (inner) => {
        const ended = keeper.#exited.then((reason) => {
          throw new PageferryError('internal', `it ended at its start: ${String(reason)}`);
        });
        await Promise.race([once(child, 'message', { signal: inner }), ended]);
        ended.catch(() => undefined);
      });
      child.unref();
      child.channel?.unref();
      return keeper;
    } catch (thrown) {
      await keeper.release();
      throw thrown;
    }
  }

  /** Connects to what a keeper holds, and that its agent has left. Rejects as `QmpClient.connect` does. */
  static async connect(path: string, options?: QmpOptions): Promise<QmpClient> {
    return QmpClient.connect(path, { ...options, outOfBand: true });
  }

  /** Ends the keeper at the other end of {@link connect}, and with it QEMU's end of the connection. */
  static async release(qmp: QmpClient, options?: QmpOptions): Promise<void> {
    await qmp.execute(RELEASE_COMMAND, undefined, options);
    await qmp.closed;
  }

  /** Leaves the connection to it: the agent's next run will come for it. */
  leave(): void {
    if (this.#process.connected) this.#process.disconnect();
  }

  /** Ends it: the connection is the agent's alone again. Never rejects. */
  async release(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
    await rm(this.#path, { force: true }).catch(() => undefined);
  }
}
