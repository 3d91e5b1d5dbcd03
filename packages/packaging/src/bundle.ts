import { build } from 'esbuild';
import { inRepository } from './paths.js';

/** Packages with a compiled part, which lies beside the bundles: see `native-packages.ts`. */
const NATIVE = ['lz4-napi', 'koffi'];

/** What CommonJS code in a bundle takes for granted. */
const REQUIRE =
  "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);";

export interface Bundle {
  readonly code: Uint8Array;
  /** Folders in `node_modules`, of all whose code is in it. */
  readonly packages: readonly string[];
}

/** A program with all that it imports, in one file. */
export async function bundle(...entry: string[]): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [inRepository(...entry)],
    absWorkingDir: inRepository(),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    banner: { js: REQUIRE },
    external: NATIVE,
    // The names of errors' classes stand in the log.
    keepNames: true,
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error(`there is no bundle of ${entry.join('/')}`);
  const packages = Object.keys(metafile.inputs).flatMap((path) => {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
    return name === undefined ? [] : [name];
  });
  return { code: output.contents, packages: [...new Set(packages)].sort() };
}
