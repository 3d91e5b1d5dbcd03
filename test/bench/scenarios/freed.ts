import type { Load } from '../load.js';
import type { Scenario } from '../scenario.js';

const memoryMiB = 1024;
const freedMiB = memoryMiB * 0.75;
const fillMiB = 64;

/** Free memory that is full of what a process has left there. */
function freedLoad(): Load {
  return {
    description: `A process has filled ${freedMiB} MiB with incompressible pages and ended; ${fillMiB} MiB of such pages are in use, none rewritten`,
    start: async ({ workload }) => {
      await workload.useAndFree(freedMiB);
      await workload.fill(fillMiB);
    },
    work: async ({ workload }) => (await workload.status()).written,
    check: async ({ workload }) => (await workload.check()).errors,
  };
}

export const freed: Scenario = {
  name: 'freed',
  purpose: 'Three quarters of RAM are free, and not zero',
  memoryMiB,
  links: [1000],
  methods: ['qemu-precopy', 'precopy', 'qemu-free-page-hints', 'hybrid', 'qemu-postcopy', 'postcopy'],
  load: freedLoad,
};
