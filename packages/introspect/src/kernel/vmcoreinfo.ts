import { Unsupported } from '../unsupported.js';

/** VMCOREINFO_BYTES of include/linux/vmcore_info.h (crash_core.h up to 6.8): one page. */
const MOST_VMCOREINFO_BYTES = 4096;
const BEGINNING = 'OSRELEASE=';
const DECIMAL = /^-?\d{1,19}$/;
const HEXADECIMAL = /^[\da-f]{1,16}$/;
const PREFIXED = /^0x[\da-f]{1,16}$/;

/**
 * What a kernel tells about itself for the sake of crash dumps: lines KEY=VALUE, see kernel/vmcore_info.c and
 * arch/x86/kernel/vmcore_info_64.c. Every getter throws {@link Unsupported} for what is not there or no number.
 */
export class VmcoreInfo {
  readonly #values: ReadonlyMap<string, string>;

  /** @returns undefined if this is no VMCOREINFO, but, for example, the kernel's template of its first line */
  static parse(bytes: Uint8Array): VmcoreInfo | undefined {
    const end = bytes.subarray(0, MOST_VMCOREINFO_BYTES).indexOf(0);
    const text = new TextDecoder('latin1').decode(
      bytes.subarray(0, end === -1 ? MOST_VMCOREINFO_BYTES : end),
    );
    if (!text.startsWith(BEGINNING)) return undefined;
    const values = new Map<string, string>();
    for (const line of text.split('\n')) {
      const separator = line.indexOf('=');
      if (separator > 0) values.set(line.slice(0, separator), line.slice(separator + 1));
    }
    return values.has('SYMBOL(swapper_pg_dir)') ? new VmcoreInfo(text, values) : undefined;
  }

  private constructor(
    readonly text: string,
    values: ReadonlyMap<string, string>,
  ) {
    this.#values = values;
  }

  get release(): string {
    return this.#value(/^[\x21-\x7e]{1,64}$/, 'OSRELEASE');
  }

  /** A virtual address, or the value of a pointer. */
  symbol(name: string): bigint {
    return BigInt(`0x${this.#value(HEXADECIMAL, `SYMBOL(${name})`)}`);
  }

  hasNumber(name: string): boolean {
    return this.#values.has(`NUMBER(${name})`);
  }

  number(name: string): number {
    return this.#decimal(`NUMBER(${name})`);
  }

  offset(name: string): number {
    return this.#count(`OFFSET(${name})`, 2 ** 20);
  }

  size(name: string): number {
    return this.#count(`SIZE(${name})`, 2 ** 20);
  }

  length(name: string): number {
    return this.#count(`LENGTH(${name})`, 2 ** 24);
  }

  get pageBytes(): number {
    return this.#decimal('PAGESIZE');
  }

  #decimal(key: string): number {
    const value = this.#values.get(key) ?? '';
    const number = Number(PREFIXED.test(value) ? value : this.#value(DECIMAL, key));
    if (!Number.isSafeInteger(number)) throw new Unsupported(`VMCOREINFO has ${key}=${value}`);
    return number;
  }

  #count(key: string, limit: number): number {
    const number = this.#decimal(key);
    if (number < 0 || number > limit) throw new Unsupported(`VMCOREINFO has ${key}=${number}`);
    return number;
  }

  #value(pattern: RegExp, key: string): string {
    const value = this.#values.get(key);
    if (value === undefined) throw new Unsupported(`VMCOREINFO has no ${key}`);
    if (!pattern.test(value)) throw new Unsupported(`VMCOREINFO's ${key} is not understood`);
    return value;
  }
}
