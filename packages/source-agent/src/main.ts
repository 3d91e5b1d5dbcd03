#!/usr/bin/env node
import { runDaemon } from '@pageferry/daemon';
import { runSourceAgent } from './agent.js';
import { sourceSettings } from './configuration.js';
import { SOFTWARE_VERSION } from './version.js';

await runDaemon({
  name: 'pageferry-source-agent',
  description: 'Moves running QEMU guests to other hosts.',
  version: SOFTWARE_VERSION,
  schema: sourceSettings,
  main: runSourceAgent,
});
