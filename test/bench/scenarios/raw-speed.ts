import type { Scenario } from '../scenario.js';
import { writerLoad } from '../writer-load.js';

export const rawSpeed: Scenario = {
  name: 'raw-speed',
  purpose: 'The speed of the pipe',
  memoryMiB: 1024,
  links: [null],
  methods: ['qemu-precopy', 'precopy', 'precopy-first', 'precopy-unfiltered', 'hybrid'],
  load: () =>
    writerLoad({ description: '800 MiB of incompressible pages, none rewritten', fillMiB: 800, plans: [] }),
};
