import { PageferryError, withTimeout } from '@pageferry/errors';
import { VirshProcess } from './virsh-process.js';

const READY_TIMEOUT_MS = 10_000;
const MAX_LINE_LENGTH = 1 << 20;

/** Events of libvirt, as a virsh prints them line by line until it ends. */
export class VirshWatch {
  readonly #virsh: VirshProcess;
  readonly #onLine: (line: string) => void;
  #pending = '';
  #began: () => void = () => undefined;
  readonly #begun: Promise<void>;
  #hasBegun = false;

  private constructor(uri: string, command: string, onLine: (line: string) => void) {
    this.#onLine = onLine;
    this.#begun = new Promise((resolve) => {
      this.#began = resolve;
    });
    this.#virsh = new VirshProcess(uri, {
      output: (text) => {
        this.#receive(text);
      },
      // A loop that says something has come to its end: its connection is gone.
      error: () => {
        if (this.#hasBegun)
          this.close(new PageferryError('libvirt-failed', 'libvirt has closed the connection'));
      },
    });
    this.#virsh.write(`${command}\n`);
  }

  /**
   * @param command that prints events in a loop
   * @param onLine is called with each line of it, and must not throw
   * @throws `libvirt-failed`, the signal's reason
   */
  static async start(
    uri: string,
    command: string,
    onLine: (line: string) => void,
    signal?: AbortSignal,
  ): Promise<VirshWatch> {
    const watch = new VirshWatch(uri, command, onLine);
    const ended = watch.closed.then((reason): never => {
      throw reason;
    });
    try {
      await withTimeout(signal, READY_TIMEOUT_MS, 'libvirt-failed', 'libvirt does not answer', () =>
        Promise.race([watch.#begun, ended]),
      );
      return watch;
    } catch (thrown) {
      watch.close();
      throw thrown;
    } finally {
      ended.catch(() => undefined);
    }
  }

  /** Resolves, and never rejects, when there will be no more events; with the reason. */
  get closed(): Promise<PageferryError> {
    return this.#virsh.closed;
  }

  close(
    reason = new PageferryError('libvirt-failed', 'the events of libvirt are no longer listened to'),
  ): void {
    this.#virsh.close(reason);
  }

  #receive(text: string): void {
    const lines = (this.#pending + text).split('\n');
    this.#pending = lines.pop() ?? '';
    if (this.#pending.length > MAX_LINE_LENGTH) {
      this.close(new PageferryError('libvirt-failed', 'an event of libvirt is too long'));
      return;
    }
    for (const line of lines) {
      if (this.#hasBegun) this.#onLine(line);
      // The first line is the command, repeated: virsh has connected, and is about to listen.
      else this.#hasBegun = true;
    }
    if (this.#hasBegun) this.#began();
  }
}
