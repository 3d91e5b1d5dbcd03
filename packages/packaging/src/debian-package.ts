import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Tree } from './tree.js';

const execute = promisify(execFile);

/** dpkg's scripts around an installation, without their first lines. */
export type MaintainerScripts = Partial<Record<'postinst' | 'prerm' | 'postrm', string>>;

export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly depends: readonly string[];
  /** What a usual installation has, too. */
  readonly recommends?: readonly string[];
  readonly summary: string;
  /** Paragraphs. */
  readonly description: readonly string[];
  /** Files that the operator edits, and that an upgrade asks about, by path. */
  readonly configuration: readonly string[];
  readonly scripts: MaintainerScripts;
}

export interface BuildOptions {
  /** Of `dpkg-deb -Z`. */
  readonly compression: string;
  /** Of every file, seconds since the epoch: the same sources make the same package. */
  readonly time: number;
  readonly outputDirectory: string;
}

/** Makes the package of a tree, and says where it lies. */
export async function buildDebianPackage(
  description: DebianPackage,
  tree: Tree,
  { compression, time, outputDirectory }: BuildOptions,
): Promise<string> {
  const { name, version, architecture, configuration, scripts } = description;
  const files = await tree.files();
  await tree.write('DEBIAN/md5sums', await checksums(tree, files));
  await tree.write('DEBIAN/control', await controlOf(description, tree, files));
  if (configuration.length > 0)
    await tree.write('DEBIAN/conffiles', configuration.map((path) => `/${path}\n`).join(''));
  for (const [script, body] of Object.entries(scripts)) {
    await tree.write(`DEBIAN/${script}`, `#!/bin/sh\nset -e\n\n${body}`, 0o755);
  }
  const target = join(outputDirectory, `${name}_${version}_${architecture}.deb`);
  await execute('dpkg-deb', ['--root-owner-group', `-Z${compression}`, '--build', tree.root, target], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(time) },
  });
  return target;
}

async function controlOf(
  { name, version, architecture, depends, recommends = [], summary, description }: DebianPackage,
  tree: Tree,
  files: readonly string[],
): Promise<string> {
  const sizes = await Promise.all(files.map(async (path) => (await stat(join(tree.root, path))).size));
  const installed = sizes.reduce((sum, size) => sum + Math.ceil(size / 1024), 0);
  const fields = {
    Package: name,
    Version: version,
    Architecture: architecture,
    Maintainer: 'pageferry <pageferry@localhost>',
    'Installed-Size': String(installed),
    Depends: depends.join(', '),
    ...(recommends.length > 0 && { Recommends: recommends.join(', ') }),
    Section: 'admin',
    Priority: 'optional',
    Description: [summary, ...description.flatMap(folded)].join('\n '),
  };
  return Object.entries(fields)
    .map(([field, value]) => `${field}: ${value}\n`)
    .join('');
}

const LINE_LENGTH = 78;

/** The lines of a paragraph, with what separates it from the one before. */
function folded(paragraph: string, index: number): string[] {
  const lines = paragraph.match(new RegExp(`.{1,${LINE_LENGTH}}(?= |$)`, 'g')) ?? [];
  return [...(index > 0 ? ['.'] : []), ...lines.map((line) => line.trim())];
}

async function checksums(tree: Tree, files: readonly string[]): Promise<string> {
  const lines = await Promise.all(
    files.map(async (path) => {
      const content = await readFile(join(tree.root, path));
      return `${createHash('md5').update(content).digest('hex')}  ${path}\n`;
    }),
  );
  return lines.join('');
}
