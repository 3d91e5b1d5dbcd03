import { gangMethods, type Scenario } from '../scenario.js';
import { writerLoad } from '../writer-load.js';

const fillMiB = 384;

export const gangMixed: Scenario = {
  name: 'gang-mixed',
  purpose: 'Guests with nothing in common',
  guests: 4,
  beatMs: 100,
  memoryMiB: 512,
  links: [1000],
  methods: gangMethods,
  load: (_link, index) =>
    writerLoad({
      description:
        `${fillMiB} MiB of incompressible pages, other ones in each of them, none rewritten; only the kernel and the first ` +
        'file system are the same',
      fillMiB,
      seed: index + 1,
      plans: [],
    }),
};
