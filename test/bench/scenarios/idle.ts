import { allMethods, shapedLinks, type Scenario } from '../scenario.js';
import { writerLoad } from '../writer-load.js';

export const idle: Scenario = {
  name: 'idle',
  purpose: 'A guest that does nothing',
  memoryMiB: 512,
  links: shapedLinks,
  methods: allMethods,
  load: () =>
    writerLoad({ description: '128 MiB of incompressible pages, none rewritten', fillMiB: 128, plans: [] }),
};
