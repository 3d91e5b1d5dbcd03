import type { Scenario } from '../scenario.js';
import { writerLoad } from '../writer-load.js';

export const large: Scenario = {
  name: 'large',
  purpose: 'The pause and the memory of the daemons do not grow with the guest',
  memoryMiB: 4096,
  links: [null],
  methods: ['qemu-precopy', 'postcopy'],
  load: () =>
    writerLoad({ description: '1024 MiB of incompressible pages, none rewritten', fillMiB: 1024, plans: [] }),
};
