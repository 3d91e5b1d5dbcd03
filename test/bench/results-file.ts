import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { format, resolveConfig } from 'prettier';
import { methods } from './method.js';
import { keyOf } from './report/summary.js';
import { Run } from './run.js';
import { scenarios } from './scenarios.js';

const Results = Type.Object({ results: Type.Array(Run) });

/** The runs in a file that was written by {@link writeResults}; none if there is no such file. */
export async function readResults(path: string): Promise<Run[]> {
  if (!existsSync(path)) return [];
  const content: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (Value.Check(Results, content)) return content.results;
  const first = Value.Errors(Results, content).First();
  throw new Error(`${path}: ${first?.path ?? ''}: ${first?.message ?? 'no results of a benchmark'}`);
}

/** New runs replace all older ones of the same scenario, link and method; in the order of the document. */
export function merge(older: readonly Run[], newer: readonly Run[]): Run[] {
  const replaced = new Set(newer.map(keyOf));
  return inOrder([...older.filter((run) => !replaced.has(keyOf(run))), ...newer]);
}

function placeOf({ scenario, link, method }: Run): readonly number[] {
  return [
    scenarios.findIndex(({ name }) => name === scenario),
    link === null ? 0 : -link,
    methods.findIndex((name) => name === method),
  ];
}

/** Sorted as the document has them; the runs of one method stay in their order. */
export function inOrder(runs: readonly Run[]): Run[] {
  return [...runs].sort((a, b) => {
    const [left, right] = [placeOf(a), placeOf(b)];
    return (
      left.map((place, index) => place - (right[index] ?? 0)).find((difference) => difference !== 0) ?? 0
    );
  });
}

export async function writeResults(path: string, results: readonly Run[]): Promise<void> {
  await writeFormatted(path, JSON.stringify({ results }, undefined, 2));
}

/** A file's text as the formatter wants it. */
export async function formatted(path: string, text: string): Promise<string> {
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}

/** Writes a file as the formatter wants it; whoever reads it meanwhile finds the old one or the new one. */
export async function writeFormatted(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, await formatted(path, text));
  await rename(`${path}.new`, path);
}
