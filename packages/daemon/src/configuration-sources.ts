import { isOurVariable, variableOf } from './key-names.js';

/** Names the configuration file, as a flag and as a variable; no key of the configuration itself. */
export const FILE_KEY = 'config';

/** What one source says by key, and what is wrong with it. */
export interface Reading<Value> {
  readonly values: ReadonlyMap<string, Value>;
  readonly findings: readonly string[];
}

export function readFile(
  path: string,
  keys: readonly string[],
  read: (path: string) => string,
): Reading<unknown> {
  const values = new Map<string, unknown>();
  const findings: string[] = [];
  try {
    const content: unknown = JSON.parse(read(path));
    if (typeof content !== 'object' || content === null || Array.isArray(content)) {
      return { values, findings: [`${path}: expected a JSON object`] };
    }
    for (const [key, value] of Object.entries(content)) {
      if (keys.includes(key)) values.set(key, value);
      else findings.push(`${key}: there is no such key (in ${path})`);
    }
  } catch (error) {
    findings.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { values, findings };
}

export function readEnvironment(
  keys: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Reading<string> {
  const values = new Map<string, string>();
  const findings: string[] = [];
  const keyOfVariable = new Map([FILE_KEY, ...keys].map((key) => [variableOf(key), key]));
  for (const [variable, value] of Object.entries(env)) {
    if (!isOurVariable(variable) || value === undefined) continue;
    const key = keyOfVariable.get(variable);
    if (key === undefined) findings.push(`${variable}: there is no such key`);
    else values.set(key, value);
  }
  return { values, findings };
}
