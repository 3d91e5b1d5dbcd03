/** A stretch of guest-physical addresses with RAM behind it; both in bytes, whole pages. */
export interface MemoryRange {
  readonly start: number;
  readonly length: number;
}

/** All that the library wants of the outside: bytes of a guest's memory, which may run meanwhile. */
export interface GuestMemory {
  /** In ascending order, without overlap. */
  readonly ranges: readonly MemoryRange[];
  /**
   * Fills `target` with what is at the guest-physical `address`. Is only asked for what lies in one of the ranges.
   * What it throws goes to the caller of the library.
   */
  read(address: number, target: Uint8Array): void;
}

export const PAGE_BYTES = 4096;
