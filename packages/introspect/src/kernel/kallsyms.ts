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

/** Reads names one after the other, in pieces: how long all of them are is not said anywhere. */
class NameReader {
  readonly #memory: VirtualMemory;
  #address: bigint;
  #chunk = new Uint8Array(0);
  #position = 0;
  #total = 0;

  constructor(memory: VirtualMemory, address: bigint) {
    this.#memory = memory;
    this.#address = address;
  }

  byte(): number {
    if (this.#position === this.#chunk.length) {
      if (this.#total >= MOST_NAMES_BYTES) throw incomplete();
      // Up to a page's end: what comes after the last name may not be mapped.
      const room = CHUNK_BYTES - Number(this.#address % BigInt(CHUNK_BYTES));
      this.#chunk = new Uint8Array(room);
      if (!this.#memory.read(this.#address, this.#chunk)) throw incomplete();
      this.#address += BigInt(room);
      this.#total += room;
      this.#position = 0;
    }
    return this.#chunk[this.#position++] ?? 0;
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
  const reader = new NameReader(memory, info.symbol('kallsyms_names'));
  const wantedLengths = new Set(wanted.map((name) => name.length));
  const offsets = info.symbol('kallsyms_offsets');
  const found = new Map<string, bigint>();
  const name = new Uint8Array(LONG_NAME * LONG_NAME);

  for (let symbol = 0; symbol < count && found.size < wanted.length; symbol++) {
    let tokensLeft = reader.byte();
    if (tokensLeft >= LONG_NAME) tokensLeft = (tokensLeft - LONG_NAME) | (reader.byte() << 7);
    const tokensOfName = Math.min(tokensLeft, name.length);
    let length = 0;
    for (let position = 0; position < tokensLeft; position++) {
      const token = reader.byte();
      if (position < tokensOfName) name[position] = token;
      length += tokens.lengths[token] ?? 0;
    }
    // The first character is the symbol's kind.
    if (!wantedLengths.has(length - 1)) continue;
    const text = expand(name.subarray(0, tokensOfName), tokens).slice(1);
    if (!wanted.includes(text) || found.has(text)) continue;
    const offset = memory.readI32(offsets + BigInt(symbol) * 4n);
    if (offset === undefined) throw incomplete();
    found.set(text, offset >= 0 ? BigInt(offset) : base - 1n - BigInt(offset));
  }
  return found;
}

function expand(name: Uint8Array, { table, starts, lengths }: Tokens): string {
  let text = '';
  for (const token of name) {
    const start = starts[token] ?? 0;
    text += String.fromCharCode(...table.subarray(start, start + (lengths[token] ?? 0)));
  }
  return text;
}
