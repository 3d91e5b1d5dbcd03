import xxhash from 'xxhash-wasm';

/** A 64-bit hash of some bytes. */
export type HashBytes = (bytes: Uint8Array) => bigint;

/** xxHash64. */
export async function openHash(seed: bigint): Promise<HashBytes> {
  const hasher = await xxhash();
  return (bytes) => hasher.h64Raw(bytes, seed);
}
