import { readFile } from 'node:fs/promises';
import { isFields, type Fields } from '../environment/values.js';

/** The lines of a daemon's log; a line that is no JSON, such as a crash leaves, is one whose `msg` it is. */
export async function readLogLines(path: string): Promise<Fields[]> {
  const text = await readFile(path, 'utf8');
  return text.split('\n').filter(Boolean).map(parseLine);
}

function parseLine(line: string): Fields {
  try {
    const parsed: unknown = JSON.parse(line);
    if (isFields(parsed)) return parsed;
  } catch {
    // Not the daemon's own.
  }
  return { level: 'none', msg: line };
}
