import type { VirtualMemory } from '../memory/virtual-memory.js';
import { Unsupported } from '../unsupported.js';
import type { VmcoreInfo } from './vmcoreinfo.js';

/*
 * The kernel's table of symbols (kernel/kallsyms.c, scripts/kallsyms.c): the names one after the other, each a length
 * and as many tokens; 256 tokens of text; and an offset for each symbol. Debian's kernels have all symbols in it, by
 * offsets of which the negative ones are addresses (CONFIG_KALLSYMS_ALL, CONFIG_KALLSYMS_ABSOLUTE_PERCPU).
 */
const TOKENS = 256;
/** Each token has at most so many characters: KSYM_NAME_LEN. */
const MOST_TOKEN_BYTES = 512;
const MOST_SYMBOLS = 2 ** 20;
const MOST_NAMES_BYTES = 16 * 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
/** A length with this bit goes on in the next byte, with the upper bits. */
const LONG_NAME = 0x80;
/** A name's length and its first two tokens. */
const HEAD_BYTES = 4;
/** What is wanted is shorter by far. */
const MOST_TOKENS = 256;

interface Tokens {
  readonly table: Uint8Array;
  readonly starts: Uint16Array;
  readonly lengths: Uint16Array;
}

function readTokens(memory: VirtualMemory, info: VmcoreInfo): Tokens {
  const starts = new Uint16Array(TOKENS);
  const table = new Uint8Array(2 ** 16 + MOST_TOKEN_BYTES);
  const lengths = new Uint16Array(TOKENS);
  const indexes = new Uint8Array(starts.buffer);
  if (!memory.read(info.symbol('kallsyms_token_index'), indexes)) throw incomplete();
  const last = Math.max(...starts);
  const used = table.subarray(0, last + MOST_TOKEN_BYTES);
  if (!memory.read(info.symbol('kallsyms_token_table'), used)) throw incomplete();
  for (const [token, start] of starts.entries()) {
    const end = table.indexOf(0, start);
    if (end === -1 || end - start > MOST_TOKEN_BYTES) throw new Unsupported('a symbol token has no end');
    lengths[token] = end - start;
  }
  return { table, starts, lengths };
}

const incomplete = (): Unsupported => new Unsupported("the kernel's table of symbols is not complete");

/** The names, read in pieces: how long all of them are is not said anywhere. */
class NameReader {
  readonly #memory: VirtualMemory;
  readonly #start: bigint;
  #read = 0;
  #bytes = new Uint8Array(CHUNK_BYTES);

  constructor(memory: VirtualMemory, start: bigint) {
    this.#memory = memory;
    this.#start = start;
  }

  /** Everything that has been read, at least up to `end`. */
  upTo(end: number): Uint8Array {
    while (this.#read < end) {
      if (this.#read >= MOST_NAMES_BYTES) throw incomplete();
      if (this.#read + CHUNK_BYTES > this.#bytes.length) this.#grow();
      // Up to a chunk's end in memory: what comes after the last name may not be mapped.
      const address = this.#start + BigInt(this.#read);
      const room = CHUNK_BYTES - Number(address % BigInt(CHUNK_BYTES));
      if (!this.#memory.read(address, this.#bytes.subarray(this.#read, this.#read + room)))
        throw incomplete();
      this.#read += room;
    }
    return this.#bytes;
  }

  get length(): number {
    return this.#read;
  }

  #grow(): void {
    const longer = new Uint8Array(this.#bytes.length * 2);
    longer.set(this.#bytes);
    this.#bytes = longer;
  }
}

/** The addresses of symbols, by their names; those that the kernel does not have are missing. */
export function findSymbols(
  memory: VirtualMemory,
  info: VmcoreInfo,
  wanted: readonly string[],
): Map<string, bigint> {
  const count = memory.readI32(info.symbol('kallsyms_num_syms'));
  const base = memory.readU64(info.symbol('kallsyms_relative_base'));
  if (count === undefined || count < 1 || count > MOST_SYMBOLS || base === undefined) throw incomplete();
  const tokens = readTokens(memory, info);
  const texts = Array.from({ length: TOKENS }, (_, token) => expand(Uint8Array.of(token), tokens));
  // The first character of a name is the symbol's kind.
  const beginsName = Uint8Array.from(texts, (text) => Number(mayBegin(wanted, text.slice(1))));
  const goesOn = Uint8Array.from(texts, (text) => Number(mayBegin(wanted, text)));
  const isKindOnly = Uint8Array.from(texts, (text) => Number(text.length === 1));
  const wantedLengths = new Set(wanted.map((name) => name.length));
  const reader = new NameReader(memory, info.symbol('kallsyms_names'));
  const offsets = info.symbol('kallsyms_offsets');
  const found = new Map<string, bigint>();

  let position = 0;
  let bytes = reader.upTo(1);
  for (let symbol = 0; symbol < count && found.size < wanted.length; symbol++) {
    if (position + HEAD_BYTES > reader.length) bytes = reader.upTo(position + HEAD_BYTES);
    let length = bytes[position++] ?? 0;
    if (length >= LONG_NAME) length = (length - LONG_NAME) | ((bytes[position++] ?? 0) << 7);
    const first = bytes[position] ?? 0;
    const second = bytes[position + 1] ?? 0;
    const start = position;
    position += length;
    // Nearly all names are told from what is wanted by their beginning, or by their length.
    if (beginsName[first] === 0 || (isKindOnly[first] === 1 && goesOn[second] === 0)) continue;
    if (position > reader.length) bytes = reader.upTo(position);
    let textLength = 0;
    for (let at = start; at < position; at++) textLength += tokens.lengths[bytes[at] ?? 0] ?? 0;
    if (!wantedLengths.has(textLength - 1)) continue;
    const text = expand(bytes.subarray(start, Math.min(position, start + MOST_TOKENS)), tokens).slice(1);
    if (!wanted.includes(text) || found.has(text)) continue;
    const offset = memory.readI32(offsets + BigInt(symbol) * 4n);
    if (offset === undefined) throw incomplete();
    found.set(text, offset >= 0 ? BigInt(offset) : base - 1n - BigInt(offset));
  }
  return found;
}

/** Whether one of the names may begin with this text. */
function mayBegin(names: readonly string[], text: string): boolean {
  return names.some((name) => name.startsWith(text));
}

function expand(name: Uint8Array, { table, starts, lengths }: Tokens): string {
  let text = '';
  for (const token of name) {
    const start = starts[token] ?? 0;
    text += String.fromCharCode(...table.subarray(start, start + (lengths[token] ?? 0)));
  }
  return text;
}
