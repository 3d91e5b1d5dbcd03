import { redisLoad } from '../redis-load.js';
import { gangMethods, shapedLinks, type Scenario } from '../scenario.js';

/** As fast as the processors let them, the servers of all guests would leave none to whoever moves them. */
const pauseSeconds = 1;

export const gangBusy: Scenario = {
  name: 'gang-busy',
  purpose: 'Guests of one image with a cache under load',
  guests: 4,
  beatMs: 100,
  memoryMiB: 512,
  links: shapedLinks,
  methods: [...gangMethods, 'gang-precopy-first'],
  load: () => redisLoad({ pauseSeconds }),
};
