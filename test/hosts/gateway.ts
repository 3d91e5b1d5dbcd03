import { Socket } from 'node:net';
import { execPath } from 'node:process';
import { startBound, type BoundProcess } from '../environment/bound-process.js';
import { compiled } from '../environment/paths.js';
import { PendingAnswers } from '../environment/pending-answers.js';
import { fieldsOf, stringOf } from '../environment/values.js';

const connectDeadlineMs = 10_000;

/**
 * A way into a network namespace, which takes no part in its traffic: a socket stays in the namespace in which it was
 * made, whichever process uses it.
 */
export class Gateway {
  readonly #connector: BoundProcess;
  readonly #answers = new PendingAnswers<Socket | string>();
  #requests = 0;

  private constructor(connector: BoundProcess) {
    this.#connector = connector;
    connector.process.on('message', (message, handle) => {
      const answer = fieldsOf(message);
      const connection = handle instanceof Socket ? handle : stringOf(answer, 'error');
      this.#answers.deliver(stringOf(answer, 'id'), connection);
    });
    // Must not keep alive a process that has nothing else to do.
    connector.process.unref();
    connector.process.channel?.unref();
  }

  static async open(networkNamespace: string): Promise<Gateway> {
    const program = compiled('hosts', 'connector.js');
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
    return new Gateway(await startBound(execPath, [program], { networkNamespace, stdio: [...stdio] }));
  }

  async connect(port: number, address: string): Promise<Socket> {
    const id = String(++this.#requests);
    const what = `a connection to ${address}:${port}`;
    const send = (): void => {
      this.#connector.process.send({ id, port, address });
    };
    const answer = await this.#answers.request(id, send, connectDeadlineMs, what);
    if (answer instanceof Socket) return answer;
    throw new Error(`${what}: ${answer}`);
  }

  async close(): Promise<void> {
    this.#connector.process.ref();
    this.#connector.process.kill('SIGKILL');
    await this.#connector.exited;
  }
}
