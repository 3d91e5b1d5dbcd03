import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline/promises';

/** Writes to a guest's memory as a device would, at a moment that the test knows: through QEMU's `-qtest` socket. */
export class QtestMemory {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string, undefined>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  static async connect(path: string): Promise<QtestMemory> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new QtestMemory(socket);
  }

  /** @param address guest-physical, bytes */
  async write(address: number, value: number): Promise<void> {
    this.#socket.write(`writel 0x${address.toString(16)} 0x${value.toString(16)}\n`);
    const answer = await this.#lines.next();
    if (answer.value !== 'OK') throw new Error(`qtest answered ${answer.value ?? 'nothing'}`);
  }

  close(): void {
    this.#socket.destroy();
  }
}
