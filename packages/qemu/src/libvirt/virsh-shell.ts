import { PageferryError } from '@pageferry/errors';
import { saidBy } from './virsh.js';
import { VirshProcess } from './virsh-process.js';

const PROMPT = 'virsh # ';
const MAX_ANSWER_LENGTH = 16 << 20;
const MOST_WAITING = 64;

interface Command {
  readonly line: string;
  readonly resolve: (output: string) => void;
  readonly reject: (reason: PageferryError) => void;
}

/**
 * Commands to libvirt, one after the other, through one virsh: an answer takes a ms or two. What a command has printed is
 * told apart by a mark that virsh is made to print after it, on both of its outputs.
 */
export class VirshShell {
  readonly #virsh: VirshProcess;
  readonly #waiting: Command[] = [];
  #current: Command | undefined;
  #number = 0;
  #output = '';
  #error = '';
  #ended: PageferryError | undefined;

  constructor(uri: string) {
    this.#virsh = new VirshProcess(uri, {
      output: (text) => {
        this.#output += text;
        this.#look();
      },
      error: (text) => {
        this.#error += text;
        this.#look();
      },
    });
    void this.closed.then((reason) => {
      this.#ended = reason;
      this.#current?.reject(reason);
      for (const { reject } of this.#waiting.splice(0)) reject(reason);
    });
  }

  /** Resolves, and never rejects, when virsh has ended; with the reason. */
  get closed(): Promise<PageferryError> {
    return this.#virsh.closed;
  }

  /**
   * Runs a line, and returns what it prints. What has begun is not to be cancelled.
   * @throws `libvirt-failed` with what virsh has to say against it
   */
  async run(line: string): Promise<string> {
    if (this.#waiting.length >= MOST_WAITING) {
      throw new PageferryError('libvirt-failed', `more than ${MOST_WAITING} commands wait for libvirt`);
    }
    if (this.#ended !== undefined) throw this.#ended;
    return new Promise<string>((resolve, reject) => {
      this.#waiting.push({ line, resolve, reject });
      this.#next();
    });
  }

  close(reason = new PageferryError('libvirt-failed', 'the connection to libvirt was closed')): void {
    this.#virsh.close(reason);
  }

  get #mark(): string {
    return `pageferry-${this.#number}.`;
  }

  #next(): void {
    if (this.#current !== undefined) return;
    this.#current = this.#waiting.shift();
    if (this.#current === undefined) return;
    this.#number++;
    this.#virsh.write(`${this.#current.line}\necho ${this.#mark}\necho --err ${this.#mark}\n`);
  }

  #look(): void {
    if (this.#output.length > MAX_ANSWER_LENGTH || this.#error.length > MAX_ANSWER_LENGTH) {
      this.close(new PageferryError('libvirt-failed', 'an answer of libvirt is too long'));
      return;
    }
    // What virsh repeats of the command that prints the mark does not begin a line.
    const outputMark = `\n${this.#mark}`;
    const errorMark = `error: ${this.#mark}\n`;
    const outputEnd = this.#output.indexOf(outputMark);
    const errorEnd = this.#error.indexOf(errorMark);
    if (this.#current === undefined || outputEnd === -1 || errorEnd === -1) return;
    const { resolve, reject } = this.#current;
    const lines = this.#output.slice(0, outputEnd).split('\n');
    const complaint = saidBy(this.#error.slice(0, errorEnd));
    this.#current = undefined;
    // The next prompt may have come already.
    this.#output = this.#output.slice(outputEnd + outputMark.length);
    this.#error = this.#error.slice(errorEnd + errorMark.length);
    if (complaint === '') resolve(lines.filter((line) => !line.startsWith(PROMPT)).join('\n'));
    else reject(new PageferryError('libvirt-failed', complaint));
    this.#next();
  }
}
