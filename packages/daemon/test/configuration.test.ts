import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PageferryError } from '@pageferry/errors';
import { Type, type Static } from '@sinclair/typebox';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addRule, daemonSettings, loadConfiguration, type Invocation } from '../src/index.js';
import { temporaryDirectory } from './support/temporary-directory.js';

const schema = Type.Object({
  ...daemonSettings,
  stateDirectory: Type.String({ description: 'Where journals are kept' }),
  port: Type.Integer({ default: 7070, minimum: 1, maximum: 65535, description: 'Port of the API' }),
  growth: Type.Optional(Type.Number({ description: 'Any number' })),
  keepHistory: Type.Boolean({ default: true, description: 'Whether to keep ended migrations' }),
});

type Configuration = Static<typeof schema>;

interface Given {
  argv?: string[];
  env?: Record<string, string>;
  file?: string;
}

function load({ argv = [], env = {}, file }: Given): Invocation<Configuration> {
  return loadConfiguration(schema, {
    name: 'pageferry-test',
    description: 'Moves nothing',
    version: '1.2.3',
    argv,
    env,
    read: (path) => {
      if (file === undefined) throw new Error(`ENOENT: no such file, open '${path}'`);
      return file;
    },
  });
}

function configurationOf(given: Given): Configuration {
  const invocation = load(given);
  if (invocation.kind !== 'run') throw new Error(`printed ${invocation.text}`);
  return invocation.configuration;
}

function printed(given: Given): string {
  const invocation = load(given);
  return invocation.kind === 'print' ? invocation.text : 'nothing';
}

function findingsFor(given: Given): readonly string[] {
  try {
    load(given);
  } catch (error) {
    if (error instanceof PageferryError && error.code === 'configuration-invalid') return error.findings;
    throw error;
  }
  return [];
}

describe('loadConfiguration', () => {
  it('fills in defaults and leaves out what is optional', () => {
    expect(configurationOf({ argv: ['--state-directory', '/s'] })).toEqual({
      logLevel: 'info',
      stateDirectory: '/s',
      port: 7070,
      keepHistory: true,
    });
  });

  it('takes flags before variables, variables before the file, the file before defaults', () => {
    const sources = {
      argv: ['--config', '/c.json', '--port', '3'],
      env: { PAGEFERRY_PORT: '2', PAGEFERRY_STATE_DIRECTORY: '/variable' },
      file: '{"port": 1, "stateDirectory": "/file", "logLevel": "debug"}',
    };
    expect(configurationOf(sources)).toEqual({
      logLevel: 'debug',
      stateDirectory: '/variable',
      port: 3,
      keepHistory: true,
    });
  });

  it('reads any value by flag, variable and file alike', () => {
    fc.assert(
      fc.property(
        fc.record({
          stateDirectory: fc.string({ minLength: 1 }).filter((text) => !text.startsWith('-')),
          port: fc.integer({ min: 1, max: 65535 }),
          growth: fc.integer({ min: -1000, max: 1000 }).map((hundredths) => hundredths / 100),
          keepHistory: fc.boolean(),
          logLevel: fc.constantFrom('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
        }),
        (values) => {
          const { stateDirectory, port, growth, keepHistory, logLevel } = values;
          const expected = { ...values, growth: growth + 0 };
          const argv = [
            `--state-directory=${stateDirectory}`,
            `--port=${port}`,
            `--growth=${growth}`,
            `--keep-history=${keepHistory}`,
            `--log-level=${logLevel}`,
          ];
          expect(configurationOf({ argv })).toEqual(expected);
          const env = {
            PAGEFERRY_STATE_DIRECTORY: stateDirectory,
            PAGEFERRY_PORT: String(port),
            PAGEFERRY_GROWTH: String(growth),
            PAGEFERRY_KEEP_HISTORY: String(keepHistory),
            PAGEFERRY_LOG_LEVEL: logLevel,
          };
          expect(configurationOf({ env })).toEqual(expected);
          expect(configurationOf({ argv: ['--config', 'c'], file: JSON.stringify(expected) })).toEqual(
            expected,
          );
        },
      ),
    );
  });

  it('takes a boolean flag without a value as true', () => {
    const argv = ['--keep-history', '--state-directory', '/s'];
    expect(configurationOf({ argv, env: { PAGEFERRY_KEEP_HISTORY: 'false' } }).keepHistory).toBe(true);
  });

  it('finds the file by a variable', () => {
    expect(
      configurationOf({ env: { PAGEFERRY_CONFIG: '/c' }, file: '{"stateDirectory": "/s"}' }),
    ).toMatchObject({
      stateDirectory: '/s',
    });
  });

  it('reads the file from disk', async () => {
    const path = join(await temporaryDirectory(), 'c.json');
    await writeFile(path, '{"stateDirectory": "/from-disk"}');
    const program = { name: 'x', description: '', version: '1', argv: ['--config', path], env: {} };
    expect(loadConfiguration(schema, program)).toMatchObject({
      configuration: { stateDirectory: '/from-disk' },
    });
  });

  it('lists every error of every source at once', () => {
    expect(
      findingsFor({
        argv: ['--config', '/c', '--prot', '80', 'start', '--log-level', 'loud', '--growth'],
        env: { PAGEFERRY_PORT: '99999', PAGEFERRY_PROT: '1', OTHER: 'x' },
        file: '{"keepHistory": "yes", "keephistory": true}',
      }),
    ).toEqual([
      'keephistory: there is no such key (in /c)',
      'PAGEFERRY_PROT: there is no such key',
      '--prot: there is no such flag',
      '--growth: needs a value',
      'stateDirectory: is missing',
      'logLevel: expected one of fatal, error, warn, info, debug, trace, silent',
      'port: expected integer to be less or equal to 65535',
      'keepHistory: expected boolean',
    ]);
  });

  it.each(['', ' ', '0x10', '1e9', '12a', 'NaN'])('does not take %j for a number', (text) => {
    const env = { PAGEFERRY_PORT: text, PAGEFERRY_STATE_DIRECTORY: '/s' };
    expect(findingsFor({ env })).toEqual(['port: expected integer']);
  });

  it.each([
    ['is not there', undefined, "/c: ENOENT: no such file, open '/c'"],
    ['is not an object', '[]', '/c: expected a JSON object'],
  ])('says so if the file %s', (_, file, finding) => {
    const argv = ['--config', '/c', '--state-directory', '/s'];
    expect(findingsFor({ argv, ...(file === undefined ? {} : { file }) })).toEqual([finding]);
  });

  it('says so if the file is not JSON', () => {
    const [finding] = findingsFor({ argv: ['--config', '/c', '--state-directory', '/s'], file: '{port: 1}' });
    expect(finding).toMatch(/^\/c: .*JSON/);
  });

  it('only checks with --check-config', () => {
    expect(printed({ argv: ['--check-config', '--state-directory', '/s'] })).toBe(
      'The configuration is valid.\n',
    );
    expect(findingsFor({ argv: ['--check-config'] })).toEqual(['stateDirectory: is missing']);
  });

  it('prints the version, however wrong the configuration', () => {
    expect(printed({ argv: ['--version', '--port', 'x'] })).toBe('1.2.3\n');
  });

  it('explains every key with --help: flag, description, default and variable', () => {
    const help = printed({ argv: ['--help'] }).replaceAll(/\s+/g, ' ');
    expect(help).toContain('Usage: pageferry-test');
    expect(help).toContain('--port [number] Port of the API (default: 7070) (env: PAGEFERRY_PORT)');
    expect(help).toContain(
      '--state-directory [value] Where journals are kept (env: PAGEFERRY_STATE_DIRECTORY)',
    );
    expect(help).toContain('(one of: fatal, error, warn, info, debug, trace, silent) (default: "info")');
    expect(help).toContain('--check-config');
  });
});

describe('a list', () => {
  const listSchema = Type.Object({
    peers: Type.Optional(Type.Array(Type.String(), { description: 'Names' })),
  });
  const program = { name: 'x', description: '', version: '1' };
  const expected = { kind: 'run', configuration: { peers: ['a.test', '*.b.test'] } };

  it('is parted by commas in flags and variables, and is one in the file', () => {
    const argv = ['--peers', 'a.test, *.b.test'];
    expect(loadConfiguration(listSchema, { ...program, argv, env: {} })).toEqual(expected);
    const env = { PAGEFERRY_PEERS: 'a.test,*.b.test' };
    expect(loadConfiguration(listSchema, { ...program, argv: [], env })).toEqual(expected);
    const read = (): string => '{"peers": ["a.test", "*.b.test"]}';
    const file = { argv: ['--config', 'c'], env: {}, read };
    expect(loadConfiguration(listSchema, { ...program, ...file })).toEqual(expected);
    const text = { ...file, read: () => '{"peers": "a.test"}' };
    expect(() => loadConfiguration(listSchema, { ...program, ...text })).toThrow('peers: expected array');
  });
});

describe('a rule about several keys', () => {
  const ruled = Type.Object({
    low: Type.Integer({ default: 1 }),
    high: Type.Integer({ default: 2 }),
    name: Type.String(),
  });
  const { low, high } = ruled.properties;
  addRule(ruled, Type.Object({ low, high }), (settings) =>
    settings.low > settings.high ? ['low: is above high'] : [],
  );
  const load = (...argv: string[]): unknown =>
    loadConfiguration(ruled, { name: 'x', description: '', version: '1', argv, env: {} });

  it('is kept, also where the configuration is only checked', () => {
    expect(() => load('--name=x', '--low=3')).toThrow('low: is above high');
    expect(() => load('--name=x', '--low=3', '--check-config')).toThrow('low: is above high');
    expect(load('--name=x', '--low=2')).toMatchObject({ kind: 'run' });
  });

  it('is looked at whatever is wrong with other keys, and not while its own are no values', () => {
    expect(() => load('--low=3')).toThrow('low: is above high; name: is missing');
    expect(() => load('--low=x')).toThrow(/^name: is missing; low: expected integer$/);
  });
});
