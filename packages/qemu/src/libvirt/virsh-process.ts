import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { PageferryError } from '@pageferry/errors';
import { saidBy, virshEnvironment } from './virsh.js';

const MAX_LAST_WORDS = 4096;

export interface VirshSinks {
  readonly output: (text: string) => void;
  readonly error: (text: string) => void;
}

/** A virsh that reads its commands from its standard input: one connection to libvirt for all of them. */
export class VirshProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  #lastWords = '';
  #reason: PageferryError | undefined;

  /** Resolves, and never rejects, when virsh has ended or {@link close} was called; with the reason. */
  readonly closed: Promise<PageferryError>;

  constructor(uri: string, { output, error }: VirshSinks) {
    this.#child = spawn('virsh', ['--quiet', '--connect', uri], { env: virshEnvironment(), cwd: '/' });
    const { stdin, stdout, stderr } = this.#child;
    this.closed = new Promise((resolve) => {
      const end = (why: string): void => {
        resolve(
          (this.#reason ??= new PageferryError('libvirt-failed', `the connection to libvirt ended: ${why}`)),
        );
      };
      this.#child.once('error', ({ message }) => {
        end(message.includes('ENOENT') ? 'there is no virsh here: install libvirt-clients' : message);
      });
      this.#child.once('close', () => {
        end(saidBy(this.#lastWords) || 'virsh has ended');
      });
    });
    // A virsh that is gone shows in its end.
    for (const stream of [stdin, stdout, stderr]) stream.on('error', () => undefined);
    stdout.setEncoding('utf8').on('data', output);
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-MAX_LAST_WORDS);
      error(text);
    });
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Ends virsh at once: it would write what it was told into a history of its user's. */
  close(reason: PageferryError): void {
    this.#reason ??= reason;
    this.#child.kill('SIGKILL');
  }
}
