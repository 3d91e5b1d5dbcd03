#!/usr/bin/env node
import process, { stdout } from 'node:process';
import { startAgents } from '../agents/agents.js';
import { ensureEnvironment } from '../environment/install.js';
import { runDemo } from './demo.js';
import { PlainDisplay, TerminalDisplay, type Display } from './display.js';
import { parseOptions, type DemoOptions } from './options.js';
import { isWhole, jsonReport, summary, type Findings } from './report.js';

async function demonstrate(options: DemoOptions, display: Display): Promise<Findings> {
  await ensureEnvironment({
    log: (line) => {
      display.line(line);
    },
  });
  const agents = await startAgents({ megabitsPerSecond: options.link });
  try {
    return await runDemo(agents, options, display);
  } finally {
    await agents.close();
  }
}

const options = parseOptions(process.argv);
try {
  const display = stdout.isTTY ? new TerminalDisplay(stdout) : new PlainDisplay();
  const findings = await demonstrate(options, display);
  for (const line of ['', ...summary(findings)]) display.line(line);
  if (options.json) console.log(jsonReport(options, findings));
  process.exitCode = isWhole(findings) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
