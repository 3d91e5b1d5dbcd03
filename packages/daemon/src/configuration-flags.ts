import { KindGuard, type TObject, type TSchema } from '@sinclair/typebox';
import { Command, Option } from 'commander';
import { FILE_KEY, type Reading } from './configuration-sources.js';
import { literalsOf } from './findings.js';
import { flagOf, variableOf } from './key-names.js';

export interface Flags extends Reading<string> {
  /** Whether only to check the configuration. */
  readonly checkOnly: boolean;
  /** What to print instead of anything else. */
  readonly print: string | undefined;
}

export interface Program {
  readonly name: string;
  readonly description: string;
  readonly version: string;
}

export function readFlags(schema: TObject, program: Program, argv: readonly string[]): Flags {
  const command = new Command(program.name)
    .description(program.description)
    .helpOption(false)
    .option('--config [file]', `JSON file with any of the keys (env: ${variableOf(FILE_KEY)})`)
    .option('--check-config', 'check the configuration and exit')
    .option('--version', 'print the version and exit')
    .option('--help', 'print this and exit');
  const keys = Object.entries(schema.properties);
  for (const [key, property] of keys) command.addOption(optionFor(key, property));

  // Commander stops at its first error. Parsed this way, with every value optional, it finds none itself.
  const { operands, unknown } = command.parseOptions([...argv]);
  const given: Record<string, unknown> = command.opts();
  const values = new Map<string, string>();
  const findings = [
    ...operands.map((argument) => `${argument}: unexpected argument`),
    ...unknown.filter((argument) => argument.startsWith('-')).map((flag) => `${flag}: there is no such flag`),
  ];
  for (const [key, property] of [[FILE_KEY, undefined] as const, ...keys]) {
    const value = given[key];
    if (typeof value === 'string') values.set(key, value);
    else if (value === true && KindGuard.IsBoolean(property)) values.set(key, 'true');
    else if (value === true) findings.push(`${flagOf(key)}: needs a value`);
  }
  return {
    values,
    findings,
    checkOnly: given['checkConfig'] === true,
    print:
      given['help'] === true
        ? command.helpInformation()
        : given['version'] === true
          ? `${program.version}\n`
          : undefined,
  };
}

function optionFor(key: string, property: TSchema): Option {
  const literals = literalsOf(property);
  const byDefault: unknown = property.default;
  const about = [
    property.description,
    literals && `(one of: ${literals.join(', ')})`,
    byDefault === undefined ? undefined : `(default: ${JSON.stringify(byDefault)})`,
    `(env: ${variableOf(key)})`,
  ];
  const description = about.filter((part) => part !== undefined).join(' ');
  return new Option(`${flagOf(key)} [${placeholderOf(property)}]`, description);
}

function placeholderOf(property: TSchema): string {
  if (KindGuard.IsInteger(property) || KindGuard.IsNumber(property)) return 'number';
  if (KindGuard.IsArray(property)) return 'value,...';
  return KindGuard.IsBoolean(property) ? 'boolean' : 'value';
}
