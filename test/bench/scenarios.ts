import type { Scenario } from './scenario.js';
import { cachedScenarios } from './scenarios/cached.js';
import { database } from './scenarios/database.js';
import { freed } from './scenarios/freed.js';
import { gangBusy } from './scenarios/gang-busy.js';
import { gangIdle } from './scenarios/gang-idle.js';
import { gangMixed } from './scenarios/gang-mixed.js';
import { hotspotScenarios } from './scenarios/hotspot.js';
import { idle } from './scenarios/idle.js';
import { large } from './scenarios/large.js';
import { rawSpeed } from './scenarios/raw-speed.js';
import { real } from './scenarios/real.js';
import { web } from './scenarios/web.js';
import { writeIntensiveScenarios } from './scenarios/write-intensive.js';
import { zipfScenarios } from './scenarios/zipf.js';

/** In the order of the document. */
export const scenarios: readonly Scenario[] = [
  idle,
  ...writeIntensiveScenarios,
  ...hotspotScenarios,
  ...zipfScenarios,
  real,
  freed,
  ...cachedScenarios,
  web,
  database,
  rawSpeed,
  large,
  gangIdle,
  gangBusy,
  gangMixed,
];
