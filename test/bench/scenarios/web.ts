import { methodsAroundSwitchOver, type Scenario } from '../scenario.js';
import { webLoad } from '../web-load.js';

export const web: Scenario = {
  name: 'web',
  purpose: 'A web server whose files are in the page cache',
  memoryMiB: 512,
  links: [1000],
  methods: methodsAroundSwitchOver,
  storage: (link) => link,
  aroundMs: 30_000,
  load: webLoad,
};
