import { readdir, readFile } from 'node:fs/promises';
import { inRepository } from './paths.js';

/** Where Debian has the text of it. */
const OWN_LICENCE = `pageferry is licensed under the Apache License, version 2.0: on Debian it is in
/usr/share/common-licenses/Apache-2.0.
`;

/** What a package says of the rights to what is in it. */
export async function copyrightOf(npmPackages: readonly string[], runtime: boolean): Promise<string> {
  const parts = [OWN_LICENCE];
  for (const name of [...new Set(npmPackages)].sort()) {
    parts.push(`${'-'.repeat(72)}\n${name}\n\n${await licenceOf(name)}`);
  }
  if (runtime) {
    parts.push(
      `${'-'.repeat(72)}\nNode.js, in /usr/lib/pageferry/bin/node\n\n` +
        'Node.js is licensed under the MIT licence; what it contains, under licences of its own, which\n' +
        'https://github.com/nodejs/node/blob/main/LICENSE lists.\n',
    );
  }
  return parts.join('\n');
}

/** The licence file of a package, or at least its name for the licence. */
async function licenceOf(name: string): Promise<string> {
  const directory = inRepository('node_modules', name);
  const file = (await readdir(directory)).find((entry) => /^licen[cs]e/i.test(entry));
  if (file !== undefined) return readFile(inRepository('node_modules', name, file), 'utf8');
  const manifest: unknown = JSON.parse(
    await readFile(inRepository('node_modules', name, 'package.json'), 'utf8'),
  );
  if (typeof manifest === 'object' && manifest !== null && 'license' in manifest)
    return `${String(manifest.license)}\n`;
  throw new Error(`${name} does not say how it is licensed`);
}
