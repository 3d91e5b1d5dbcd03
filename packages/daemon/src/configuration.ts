import { readFileSync } from 'node:fs';
import { PageferryError } from '@pageferry/errors';
import { KindGuard, type Static, type TObject, type TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { readFlags, type Program } from './configuration-flags.js';
import { ruleFindings } from './configuration-rules.js';
import { FILE_KEY, readEnvironment, readFile } from './configuration-sources.js';
import { findingsOf } from './findings.js';

export interface ConfigurationSources extends Program {
  /** Arguments, without node and script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads the configuration file; from disk if not given. */
  readonly read?: (path: string) => string;
}

/** What the command line asks for: to run with a configuration, or only to print something. */
export type Invocation<Configuration> =
  | { readonly kind: 'run'; readonly configuration: Configuration }
  | { readonly kind: 'print'; readonly text: string };

/**
 * Loads the configuration by a flat schema of strings, numbers, booleans and lists of strings, each with a description.
 *
 * In increasing priority: the schema's defaults; a JSON file (`--config FILE`, or `PAGEFERRY_CONFIG`);
 * variables (`PAGEFERRY_SOME_KEY`); flags (`--some-key value`), where a list is parted by commas. `--help`, `--version`
 * and `--check-config` only print.
 *
 * @throws `configuration-invalid` with every finding, each led by the key, variable, flag or file it is about.
 */
export function loadConfiguration<Schema extends TObject>(
  schema: Schema,
  { argv, env, read = (path) => readFileSync(path, 'utf8'), ...program }: ConfigurationSources,
): Invocation<Static<Schema>> {
  const flags = readFlags(schema, program, argv);
  if (flags.print !== undefined) return { kind: 'print', text: flags.print };

  const keys = Object.keys(schema.properties);
  const environment = readEnvironment(keys, env);
  const path = flags.values.get(FILE_KEY) ?? environment.values.get(FILE_KEY);
  const file = path === undefined ? undefined : readFile(path, keys, read);

  const merged: Record<string, unknown> = {};
  for (const [key, property] of Object.entries(schema.properties)) {
    const text = flags.values.get(key) ?? environment.values.get(key);
    const value = text === undefined ? file?.values.get(key) : fromText(property, text);
    if (value !== undefined) merged[key] = value;
  }
  const configuration = Value.Default(schema, merged);

  const findings = [
    ...(file?.findings ?? []),
    ...environment.findings,
    ...flags.findings,
    ...ruleFindings(schema, configuration),
  ];
  if (Value.Check(schema, configuration) && findings.length === 0) {
    return flags.checkOnly
      ? { kind: 'print', text: 'The configuration is valid.\n' }
      : { kind: 'run', configuration };
  }
  findings.push(...findingsOf(schema, configuration, 'configuration'));
  throw new PageferryError('configuration-invalid', findings.join('; '), { findings });
}

/** The value that `text` stands for by the type of its key, or the text itself if it stands for none. */
function fromText(property: TSchema, text: string): unknown {
  if (KindGuard.IsInteger(property) || KindGuard.IsNumber(property)) {
    return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  }
  if (KindGuard.IsBoolean(property)) return text === 'true' ? true : text === 'false' ? false : text;
  if (KindGuard.IsArray(property)) return text.split(',').map((item) => item.trim());
  return text;
}
