import { inRepository, LIBRARY } from './paths.js';
import type { Tree } from './tree.js';

/** The files of each package that a program needs; it finds them above itself, as node looks for packages. */
const FILES = {
  'lz4-napi': ['package.json', 'index.js'],
  '@antoniomuso/lz4-napi-linux-x64-gnu': ['package.json', 'lz4-napi.linux-x64-gnu.node'],
  koffi: ['package.json', 'index.js', 'src/koffi/index.js', 'src/koffi/src/static.js'],
  '@koromix/koffi-linux-x64': ['package.json', 'index.js', 'linux_x64/koffi.node'],
} as const;

export const nativePackages: readonly string[] = Object.keys(FILES);

/** Debian's name of what the compiled files are for. */
export const ARCHITECTURE = 'amd64';

export async function copyNativePackages(tree: Tree): Promise<void> {
  for (const [name, files] of Object.entries(FILES)) {
    for (const file of files) {
      const source = inRepository('node_modules', name, file);
      await tree.copy(source, `${LIBRARY}/node_modules/${name}/${file}`);
    }
  }
}
