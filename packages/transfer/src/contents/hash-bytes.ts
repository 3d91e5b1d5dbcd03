import xxhash from 'xxhash-wasm';

/** A 64-bit hash of some bytes. */
export type HashBytes = (bytes: Uint8Array) => bigint;

/** xxHash64. */
export async function openHash(seed: bigint): Promise<HashBytes> {
  const hasher = await xxhash();
  return (bytes) => hasher.h64Raw(bytes, seed);
}

/** A 32-bit hash of some bytes, which costs no allocation. */
export type HashBytes32 = (bytes: Uint8Array) => number;

/** xxHash32. */
export async function openHash32(seed: number): Promise<HashBytes32> {
  const hasher = await xxhash();
  return (bytes) => hasher.h32Raw(bytes, seed) >>> 0;
}
