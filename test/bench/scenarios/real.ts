import { redisLoad } from '../redis-load.js';
import { allMethods, shapedLinks, type Scenario } from '../scenario.js';

export const real: Scenario = {
  name: 'real',
  purpose: 'An unmodified program that people run',
  memoryMiB: 512,
  links: shapedLinks,
  methods: [...allMethods, 'qemu-xbzrle-512m'],
  load: () => redisLoad(),
};
