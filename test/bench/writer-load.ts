import type { WritePlan } from '../guests/workload.js';
import type { Load } from './load.js';

export interface WriterLoadOptions {
  readonly description: string;
  /** Incompressible pages. */
  readonly fillMiB: number;
  /** Compressible pages after them; none by default. */
  readonly textMiB?: number;
  /** Guests with the same seed have the same pages. */
  readonly seed?: number;
  readonly plans: readonly WritePlan[];
}

/** Fills memory with pages that verify themselves, and rewrites them by plans; its work is counted in pages. */
export function writerLoad({ description, fillMiB, textMiB = 0, seed = 1, plans }: WriterLoadOptions): Load {
  return {
    description,
    start: async ({ workload }) => {
      await workload.fill(fillMiB, seed);
      if (textMiB > 0) await workload.fill(textMiB, seed, 'text');
      await workload.write(...plans);
    },
    work: async ({ workload }) => (await workload.status()).written,
    check: async ({ workload }) => {
      await workload.check();
      // What the writers have found before counts as well.
      return (await workload.status()).errors;
    },
  };
}
