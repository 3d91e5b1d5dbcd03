import type { Content, WritePlan } from '../guests/workload.js';
import type { Load } from './load.js';

export interface WriterLoadOptions {
  readonly description: string;
  readonly fillMiB: number;
  readonly content?: Content;
  readonly plans: readonly WritePlan[];
}

/** Fills memory with pages that verify themselves, and rewrites them by plans; its work is counted in pages. */
export function writerLoad({ description, fillMiB, content = 'random', plans }: WriterLoadOptions): Load {
  return {
    description,
    start: async ({ workload }) => {
      await workload.fill(fillMiB, 1, content);
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
