import { databaseLoad } from '../database-load.js';
import { methodsAroundSwitchOver, type Scenario } from '../scenario.js';

export const database: Scenario = {
  name: 'database',
  purpose: 'A database that is read most of the time, whose file is in the page cache',
  memoryMiB: 512,
  links: [1000],
  methods: methodsAroundSwitchOver,
  storage: (link) => link,
  aroundMs: 30_000,
  load: databaseLoad,
};
