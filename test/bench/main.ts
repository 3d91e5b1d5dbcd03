import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { ensureEnvironment } from '../environment/install.js';
import { repository } from '../environment/paths.js';
import { measure, type Run } from './measure.js';
import { report, toMarkdown } from './report.js';
import { scenarios } from './scenarios.js';

interface Options {
  readonly scenario?: string;
  readonly method?: string;
  readonly runs: number;
  readonly json?: boolean;
  readonly writeDocs?: boolean;
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('a positive whole number is wanted');
  return value;
}

const options = new Command('npm run bench --')
  .description(
    "Measures pageferry side by side with QEMU's own migration: real guests, the same link, in turn.",
  )
  .option('--scenario <name>', `one of ${scenarios.map(({ name }) => name).join(', ')}`)
  .option('--method <name>', 'one method only, beside the baseline of the scenario')
  .option('--runs <number>', 'of each method', positiveInteger, 3)
  .option('--json', 'the report as one JSON object in the last line')
  .option('--write-docs', 'writes docs/benchmarks.md')
  .parse()
  .opts<Options>();

const chosen = scenarios
  .filter(({ name }) => options.scenario === undefined || name === options.scenario)
  .map((scenario) => ({
    ...scenario,
    methods: scenario.methods.filter(
      (method, index) => options.method === undefined || index === 0 || method === options.method,
    ),
  }));
if (chosen.length === 0) throw new Error(`there is no scenario ${options.scenario ?? ''}`);

await ensureEnvironment({ log: console.error });
const results: Run[] = [];
for (const scenario of chosen) {
  for (let run = 1; run <= options.runs; run++) {
    for (const method of scenario.methods) {
      const result = await measure(scenario, method);
      results.push(result);
      console.error(
        `${scenario.name} ${run}/${options.runs} ${method}: total ${result.totalMs.toFixed(0)} ms, ` +
          `downtime ${result.downtimeMs?.toFixed(0) ?? '–'} ms, gap ${result.guestGapMs.toFixed(0)} ms`,
      );
    }
  }
}

const measured = report(chosen, results);
const markdown = toMarkdown(chosen, measured);
console.log(markdown);
if (options.writeDocs === true) await writeFile(join(repository, 'docs', 'benchmarks.md'), markdown);
if (options.json === true) console.log(JSON.stringify(measured));
const damaged = results.filter(({ guestErrors }) => guestErrors > 0);
if (damaged.length > 0) console.error(`${damaged.length} guests came out damaged`);
process.exit(damaged.length > 0 ? 1 : 0);
