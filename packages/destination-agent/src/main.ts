#!/usr/bin/env node
import { runDaemon } from '@pageferry/daemon';
import { runDestinationAgent } from './agent.js';
import { destinationSettings } from './configuration.js';
import { SOFTWARE_VERSION } from './version.js';

await runDaemon({
  name: 'pageferry-destination-agent',
  description: 'Takes running QEMU guests in from other hosts.',
  version: SOFTWARE_VERSION,
  schema: destinationSettings,
  main: runDestinationAgent,
});
