export interface OpenOptions {
  readonly signal?: AbortSignal;
  /**
   * What the guest's processors have in their register CR3. It tells the kernel that runs from what an earlier one has
   * left in memory, and spares reading on once it is found.
   */
  readonly pageTables?: readonly number[];
}
