import { join } from 'node:path';
import { repository } from '../environment/paths.js';
import type { Link } from './link.js';
import { chartOf } from './report/chart.js';
import { pictureOf, toMarkdown } from './report/markdown.js';
import { report } from './report/report.js';
import { merge, readResults, writeFormatted, writeResults } from './results-file.js';
import type { Run } from './run.js';
import { scenarios } from './scenarios.js';
import { writeFile } from 'node:fs/promises';

const docs = join(repository, 'docs');

/** Puts runs among those of docs/benchmarks, and writes the document and its pictures from all of them. */
export async function writeDocuments(newer: readonly Run[]): Promise<void> {
  const file = join(docs, 'benchmarks', 'results.json');
  const results = merge(await readResults(file), newer);
  await writeResults(file, results);
  const measured = report(results);
  const links: readonly Link[] = [...new Set(results.map(({ link }) => link))];
  for (const link of links) await writeFile(join(docs, pictureOf(link)), chartOf(link, measured.summaries));
  await writeFormatted(join(docs, 'benchmarks.md'), toMarkdown(scenarios, measured));
}
