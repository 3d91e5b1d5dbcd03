import { join } from 'node:path';
import { repository } from '../environment/paths.js';
import type { Link } from './link.js';
import { chartOf } from './report/chart.js';
import { pictureOf, toMarkdown } from './report/markdown.js';
import { withOverview } from './report/overview.js';
import { report } from './report/report.js';
import { merge, readResults, writeFormatted, writeResults } from './results-file.js';
import type { Run } from './run.js';
import { scenarios } from './scenarios.js';
import { readFile, writeFile } from 'node:fs/promises';

const docs = join(repository, 'docs');
const readme = join(repository, 'README.md');
export const resultsFile = join(docs, 'benchmarks', 'results.json');

/** Puts runs among those of docs/benchmarks, and writes the document and its pictures from all of them. */
export async function writeDocuments(newer: readonly Run[]): Promise<void> {
  const results = merge(await readResults(resultsFile), newer);
  await writeResults(resultsFile, results);
  const measured = report(results);
  const links: readonly Link[] = [...new Set(results.map(({ link }) => link))];
  for (const link of links) await writeFile(join(docs, pictureOf(link)), chartOf(link, measured.summaries));
  for (const { path, text } of await documentsOf(results)) await writeFormatted(path, text);
}

/** The documents that tell of these results; the README but for its figures as it is. */
export async function documentsOf(
  results: readonly Run[],
): Promise<readonly { readonly path: string; readonly text: string }[]> {
  const measured = report(results);
  return [
    { path: join(docs, 'benchmarks.md'), text: toMarkdown(scenarios, measured) },
    { path: readme, text: withOverview(await readFile(readme, 'utf8'), scenarios, measured) },
  ];
}
