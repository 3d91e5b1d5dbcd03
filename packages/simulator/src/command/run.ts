import { writeFileSync } from 'node:fs';
import { simulate, type Scenario } from '../simulate.js';
import { tableOf } from '../report/table.js';
import { formatBytes, formatRate } from '../units.js';
import type { Flags } from './options.js';
import { scenarioOf } from './scenario.js';

function titleOf(flags: Flags, guestBytes: number): string {
  const what =
    flags.trace === undefined ? `${flags.workload} at ${formatRate(flags.writeRate)}` : 'a recorded trace';
  return `${formatBytes(guestBytes)}, ${what}, over ${formatRate(flags.link)}, downtime of ${flags.downtime} ms`;
}

function notesOn({ guest }: Scenario): string {
  return guest.scale === 1 ? '' : ` (${guest.scale} pages count as one)`;
}

/** Simulates what the flags say and writes the report. */
export async function runSimulation(flags: Flags, print: (line: string) => void): Promise<void> {
  const scenario = scenarioOf(flags);
  const { layout, scale } = scenario.guest;
  const guestBytes = layout.bytes * scale;
  const title = titleOf(flags, guestBytes);
  print(`${title}${notesOn(scenario)}\n`);
  const outcomes = flags.strategy.map((strategy) => simulate(scenario, strategy));
  print(tableOf(outcomes, guestBytes));
  if (flags.svg !== undefined) {
    // It takes a second to load.
    const { plotOf } = await import('../report/plot.js');
    writeFileSync(flags.svg, plotOf(title, outcomes));
  }
  if (flags.json === true) print(JSON.stringify({ title, guestBytes, scale, outcomes }));
}
