import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A file that the page consists of. */
export interface PageFile {
  /** Of its URL. */
  readonly url: string;
  /** Where it lies here. */
  readonly path: string;
  /** Where it lies below a `node_modules`: a copy there is found by a program that is bundled into one file beside it. */
  readonly packaged: string;
}

const OWN = '@pageferry/web-page';
const { resolve } = createRequire(import.meta.url);

/** Of packages that say what lies where in them. */
const folderOf = (name: string): string => dirname(resolve(`${name}/package.json`));

/** The files by name, in this package's folders and those of others. */
const fixed = [
  { url: '/', name: OWN, file: 'static/index.html' },
  { url: '/page/style.css', name: OWN, file: 'static/style.css' },
  { url: '/page/views.css', name: OWN, file: 'static/views.css' },
  { url: '/page/uplot.css', name: 'uplot', file: 'dist/uPlot.min.css' },
  { url: '/page/vendor/uplot.js', name: 'uplot', file: 'dist/uPlot.esm.js' },
  { url: '/page/vendor/eventsource-parser.js', name: 'eventsource-parser', file: 'dist/index.js' },
] as const;

const COMPILED = 'dist/browser';
const VENDOR = 'vendor/';

/** All that is served. */
export async function pageFiles(): Promise<readonly PageFile[]> {
  const entries = await readdir(join(folderOf(OWN), COMPILED), { recursive: true });
  const modules = entries
    .filter((entry) => entry.endsWith('.js') && !entry.startsWith(VENDOR))
    .sort()
    .map((entry) => ({ url: `/page/${entry}`, name: OWN, file: `${COMPILED}/${entry}` }));
  return [...fixed, ...modules].map(({ url, name, file }) => ({
    url,
    path: join(folderOf(name), file),
    packaged: `${name}/${file}`,
  }));
}

/** What has to be in a package of a program that serves the page: the files, and what they are found by. */
export async function packagedFiles(): Promise<readonly Omit<PageFile, 'url'>[]> {
  const names = [...new Set(fixed.map(({ name }) => name))];
  const manifests = names.map((name) => ({
    path: join(folderOf(name), 'package.json'),
    packaged: `${name}/package.json`,
  }));
  return [...(await pageFiles()), ...manifests].map(({ path, packaged }) => ({ path, packaged }));
}
