import { ensureEnvironment } from '../environment/install.js';
import { writeDocuments } from './documents.js';
import { linkTitle } from './link.js';
import { thisMachine } from './machine.js';
import { measure, type Measurement } from './measure.js';
import { readOptions } from './options.js';
import { milliseconds, none, seconds } from './report/format.js';
import { toMarkdown } from './report/markdown.js';
import { report } from './report/report.js';
import { inOrder, merge, readResults, writeResults } from './results-file.js';
import type { Run } from './run.js';
import { scenarios } from './scenarios.js';

const options = readOptions();
const { measurements, save } = options;
if (measurements.length === 0) throw new Error('no scenario is measured by these methods over these links');

const { qemuVersion } = await ensureEnvironment({ log: console.error });
const machine = thisMachine(qemuVersion);
const older = save === undefined ? [] : await readResults(save);
const results: Run[] = [];
let failures = 0;

function progressOf({ scenario, link, method }: Measurement, run: Run, number: number): string {
  const { totalMs, downtimeMs, guestGapMs, guestErrors, error } = run;
  const outcome = guestErrors === 0 ? '' : ', THE GUEST IS DAMAGED';
  return (
    `${number}/${measurements.length} ${scenario.name}, ${linkTitle(link)}, ${method}: ` +
    `total ${seconds(totalMs)} s, downtime ${downtimeMs === null ? none : milliseconds(downtimeMs)} ms, ` +
    `gap ${guestGapMs === null ? none : milliseconds(guestGapMs)} ms${outcome}` +
    (error === null ? '' : `, not completed: ${error}`)
  );
}

/** Resolves when it has left this process, which is soon to end. */
const print = (text: string): Promise<void> =>
  new Promise((resolve) => {
    process.stdout.write(`${text}\n`, () => {
      resolve();
    });
  });

for (const [index, measurement] of measurements.entries()) {
  const { scenario, link, method } = measurement;
  const date = new Date().toISOString();
  try {
    const figures = await measure(measurement);
    const run: Run = { scenario: scenario.name, link, method, date, machine, ...figures };
    results.push(run);
    if (run.guestErrors !== 0) failures++;
    console.error(progressOf(measurement, run, index + 1));
    // What has been measured must not be lost with what comes after it.
    if (save !== undefined) await writeResults(save, merge(older, results));
  } catch (error) {
    failures++;
    console.error(`${scenario.name}, ${linkTitle(link)}, ${method}: could not be measured:`, error);
  }
}

const measured = report(inOrder(results));
await print(toMarkdown(scenarios, measured));
if (options.writeDocs) await writeDocuments(results);
if (options.json) await print(JSON.stringify(measured));
if (failures > 0) console.error(`${failures} runs have failed, or left a damaged guest`);
process.exit(failures > 0 ? 1 : 0);
