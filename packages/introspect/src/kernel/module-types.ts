import type { VirtualMemory } from '../memory/virtual-memory.js';
import { StructureReader } from '../memory/structure-reader.js';
import type { TypeInformation } from './btf.js';
import { StructureLayout } from './structure-layout.js';

/** A guest that has more modules is told what the first ones have. */
const MOST_MODULES = 4096;
/** MODULE_NAME_LEN, include/linux/module.h. */
const NAME_BYTES = 56;

export interface ModuleTypes {
  readonly address: bigint;
  readonly bytes: number;
}

/**
 * Where the kernel keeps the description (BTF) of a module's types: in the list `btf_modules`, of `struct btf_module`, which
 * points to a `struct btf` (both in kernel/bpf/btf.c). Types are numbered from where the kernel's own end.
 * @param modules the address of the list
 */
export function findModuleTypes(
  memory: VirtualMemory,
  modules: bigint,
  kernel: TypeInformation,
  name: string,
): ModuleTypes | undefined {
  const module = new StructureLayout(kernel.structure('btf_module'));
  const [list, description] = [module.offset('list', 16), module.offset('btf', 8)];
  const btf = new StructureLayout(kernel.structure('btf'));
  const data = { address: btf.offset('data', 8), bytes: btf.offset('data_size', 4) };
  const first = { type: btf.offset('start_id', 4), string: btf.offset('start_str_off', 4) };
  const nameOffset = btf.offset('name', NAME_BYTES, 1);

  const reader = new StructureReader(memory);
  const head = Number(BigInt.asIntN(64, modules));
  if (!reader.seek(head, 16)) return undefined;
  let next = reader.pointer(0);
  for (let count = 0; count < MOST_MODULES && next !== head; count++) {
    if (!reader.seek(next - list, module.bytes)) return undefined;
    const place = reader.pointer(description);
    next = reader.pointer(list);
    if (!reader.seek(place, btf.bytes) || reader.text(nameOffset, NAME_BYTES) !== name) continue;
    const fits =
      reader.u32(first.type) === kernel.typeCount && reader.u32(first.string) === kernel.stringBytes;
    return fits ? { address: reader.address(data.address), bytes: reader.u32(data.bytes) } : undefined;
  }
  return undefined;
}
