import { IterationTable } from '@pageferry/transfer';

/** The parts of the time between the guest's last instruction on the source and its first on the destination, ms. */
export interface Downtime {
  /** QMP `stop`: vCPUs and disk requests. */
  readonly stop: number;
  /** QEMU's last look at its dirty log, and the device state. */
  readonly deviceState: number;
  /** Sending the last pages, or the names of the stale ones. */
  readonly lastPages: number;
  /** From the last byte sent to QEMU's word that it has loaded all, the destination's own measure. */
  readonly load: number;
  /** The journals of both hosts. */
  readonly journal: number;
  /** QMP `cont` on the destination. */
  readonly resume: number;
  /** Everything else: round trips, and frames that were still on their way. */
  readonly rest: number;
}

/** What a migration has done so far; the migration writes it, the API shows it. */
export class Progress {
  readonly startedAt = Date.now();
  readonly #begun = performance.now();
  #totalMs: number | undefined;
  /** Of pre-copy. */
  iterationTable = new IterationTable();
  remainingPages = 0;
  /** Bytes a second. */
  dirtyRate: number | null = null;
  /** Requests of the destination for pages. */
  requests = 0;
  /** Pages that post-copy pushed without a request. */
  pushedPages = 0;
  /** From the stop on the source to the word that the guest runs on the destination, ms, on the source's clock. */
  downtimeMs: number | null = null;
  downtime: Downtime | null = null;

  get totalMs(): number {
    return this.#totalMs ?? performance.now() - this.#begun;
  }

  end(): void {
    this.#totalMs ??= performance.now() - this.#begun;
  }
}
