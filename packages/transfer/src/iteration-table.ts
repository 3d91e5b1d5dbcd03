/** One iteration of pre-copy: from one look at the dirty log to the next. */
export interface Iteration {
  /** From 1. */
  readonly number: number;
  readonly durationMs: number;
  /** Pages that the guest rewrote meanwhile. */
  readonly dirtiedPages: number;
  readonly sentPages: number;
  /** Pages that were left out as hot. */
  readonly skippedPages: number;
  /** On the wire. */
  readonly sentBytes: number;
  /** Estimate of the link's bandwidth at its beginning, bytes a second; null while not known. */
  readonly bandwidth: number | null;
  /** Sum of the rewriting rates of what was to be kept clean, bytes a second. */
  readonly accumulatedRate: number;
  /** Pages that the destination lacked, or had in an old version, at its end. */
  readonly remainingPages: number;
}

const MOST_ROWS = 512;

/** The newest iterations of a migration, at most 512. */
export class IterationTable {
  readonly #rows: Iteration[] = [];
  #count = 0;

  /** Iterations so far, also those that are no longer in the table. */
  get count(): number {
    return this.#count;
  }

  /** The oldest first. */
  get rows(): readonly Iteration[] {
    return this.#rows;
  }

  add(iteration: Omit<Iteration, 'number'>): Iteration {
    const row = { number: ++this.#count, ...iteration };
    this.#rows.push(row);
    if (this.#rows.length > MOST_ROWS) this.#rows.shift();
    return row;
  }
}
