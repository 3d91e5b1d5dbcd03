import { gangMethods, shapedLinks, type Scenario } from '../scenario.js';
import { writerLoad } from '../writer-load.js';

const fillMiB = 128;
const textMiB = 32;

export const gangIdle: Scenario = {
  name: 'gang-idle',
  purpose: 'Guests of one image that do nothing',
  guests: 8,
  beatMs: 100,
  memoryMiB: 512,
  links: shapedLinks,
  methods: gangMethods,
  load: () =>
    writerLoad({
      description:
        `${fillMiB} MiB of incompressible and ${textMiB} MiB of compressible pages, none rewritten, the same in all of them: ` +
        'as if they had the same files in their caches',
      fillMiB,
      textMiB,
      plans: [],
    }),
};
