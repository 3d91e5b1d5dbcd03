import type { VirtualMemory } from '../memory/virtual-memory.js';
import { Unsupported } from '../unsupported.js';
import { TypeInformation } from './btf.js';
import { findModuleTypes } from './module-types.js';

const MOST_BYTES = 16 * 1024 * 1024;

/** Symbols that VMCOREINFO does not have. The last one is missing in kernels whose modules say nothing of their types. */
export const typeSymbols = ['__start_BTF', '__stop_BTF', 'btf_modules'] as const;

/** Where the kernel has the descriptions of its types. They are megabytes: nothing of them is kept here. */
export class TypeSource {
  readonly #memory: VirtualMemory;
  readonly #start: bigint;
  readonly #bytes: number;
  readonly #modules: bigint | undefined;

  constructor(memory: VirtualMemory, symbols: ReadonlyMap<string, bigint>) {
    const [start, end, modules] = typeSymbols.map((name) => symbols.get(name));
    if (start === undefined || end === undefined) {
      throw new Unsupported('the kernel has no type information (CONFIG_DEBUG_INFO_BTF)');
    }
    if (end <= start || end - start > BigInt(MOST_BYTES)) {
      throw new Unsupported('the type information (BTF) is at no possible address');
    }
    this.#memory = memory;
    this.#start = start;
    this.#bytes = Number(end - start);
    this.#modules = modules;
  }

  readKernel(): TypeInformation {
    return new TypeInformation(this.#read(this.#start, this.#bytes));
  }

  /**
   * Those of a module that is loaded; undefined if it is not, or does not describe them.
   * @param kernel what {@link readKernel} answered
   */
  readModule(name: string, kernel: TypeInformation): TypeInformation | undefined {
    if (this.#modules === undefined) return undefined;
    const found = findModuleTypes(this.#memory, this.#modules, kernel, name);
    if (found === undefined || found.bytes > MOST_BYTES) return undefined;
    return new TypeInformation(this.#read(found.address, found.bytes), kernel);
  }

  #read(address: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    if (!this.#memory.read(address, bytes)) throw new Unsupported('the type information (BTF) is not mapped');
    return bytes;
  }
}
