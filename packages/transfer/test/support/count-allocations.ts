import { vi } from 'vitest';

const TYPED_ARRAYS = {
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigUint64Array,
};

/** Bytes of all typed arrays that are made while `make` runs. */
export function bytesAllocatedBy(make: () => unknown): number {
  let bytes = 0;
  for (const [name, original] of Object.entries(TYPED_ARRAYS)) {
    const counting = new Proxy(original, {
      construct(target, parameters, newTarget) {
        const made: unknown = Reflect.construct(target, parameters, newTarget);
        if (!ArrayBuffer.isView(made)) throw new Error(`${name} makes something else`);
        bytes += made.byteLength;
        return made;
      },
    });
    vi.stubGlobal(name, counting);
  }
  try {
    make();
  } finally {
    vi.unstubAllGlobals();
  }
  return bytes;
}
