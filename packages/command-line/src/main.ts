#!/usr/bin/env node
import { runCommandLine } from './run.js';
import { processEnvironment } from './terminal/process-environment.js';

process.exitCode = await runCommandLine(process.argv.slice(2), processEnvironment());
