import { readFile } from 'node:fs/promises';
import { run } from '../environment/run.js';

const compiler = 'gcc';
export const compilerFlags = [
  '-static',
  '-O2',
  // Emulated processors are slow at vector instructions.
  '-fno-tree-vectorize',
  '-funroll-loops',
  '-pthread',
  '-Wall',
  '-Wextra',
  '-Werror',
] as const;

/** Compiles the units among sources to a program that needs nothing else in a guest; `output` stays for the caller to remove. */
export async function compileForGuest(sources: readonly string[], output: string): Promise<Buffer> {
  const units = sources.filter((path) => path.endsWith('.c'));
  await run(compiler, [...compilerFlags, '-o', output, ...units]);
  return readFile(output);
}
