import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exitCodes } from '../src/exit-codes.js';
import { runCommandLine } from '../src/run.js';
import { json } from './support/fake-agent.js';
import { inPrecopy, misfit } from './support/recorded-migration.js';
import { TestEnvironment } from './support/test-environment.js';
import { useCommandLine } from './support/use-command-line.js';

const { agent, pageferry } = useCommandLine();

const LIST = 'GET /v1/migrations';
const SHOW = `GET /v1/migrations/${inPrecopy.id}`;
const show = ['show', inPrecopy.id];

let directory: string;
let tokenFile: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pageferry-command-line-'));
  tokenFile = join(directory, 'token');
  await writeFile(tokenFile, 'a-secret-token\n');
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

describe('wrong usage', () => {
  test.each([
    ['no command', []],
    ['an unknown command', ['teleport']],
    ['an unknown flag', ['list', '--fast']],
    ['a missing argument', ['show']],
    ['a missing flag', ['migrate', 'web1']],
    ['one argument too many', ['show', 'a', 'b']],
    ['a mode that there is not', ['migrate', 'web1', '--to', 'ws://a:1', '--mode', 'magic']],
    ['a destination that is no stream listener', ['migrate', 'web1', '--to', 'http://a:1']],
    ['a limit that is no number', ['migrate', 'web1', '--to', 'ws://a:1', '--downtime-limit', 'soon']],
    ['a rate without a meaning', ['migrate', 'web1', '--to', 'ws://a:1', '--bandwidth-precopy', '3 parsecs']],
    ['a token file that is not there', ['list', '--token-file', '/nonexistent/token']],
    ['authorities that are not there', ['list', '--ca', '/nonexistent/ca.pem']],
  ])('%s', async (_what, args) => {
    const { code, environment } = await pageferry(args);
    expect(code).toBe(exitCodes.usage);
    expect(environment.complained).not.toBe('');
    expect(environment.written).toBe('');
    expect(agent().received).toEqual([]);
  });

  test.each(['ftp://host', 'nonsense', 'http://user:secret@host', 'http://host/path'])(
    'an API at %s',
    async (api) => {
      const environment = new TestEnvironment({ variables: { PAGEFERRY_API: api } });
      expect(await runCommandLine(['list'], environment)).toBe(exitCodes.usage);
      expect(environment.complained).toContain('--api');
    },
  );
});

test.each([['--help'], ['--version'], ['migrate', '--help']])('%s %s is no failure', async (...args) => {
  const { code, environment } = await pageferry(args);
  expect(code).toBe(exitCodes.done);
  expect(environment.written).not.toBe('');
});

test('the help says what the exit codes mean', async () => {
  const { environment } = await pageferry(['show', '--help']);
  for (const code of Object.values(exitCodes)) {
    expect(environment.written).toMatch(new RegExp(`^  ${String(code)} +\\w`, 'm'));
  }
});

describe('the token', () => {
  test.each([
    ['a flag', (file: string) => ({ flags: ['--token-file', file], variables: {} })],
    ['the environment', (file: string) => ({ flags: [], variables: { PAGEFERRY_TOKEN_FILE: file } })],
  ])('is read from the file that %s names', async (_what, named) => {
    const { flags, variables } = named(tokenFile);
    agent().on(LIST, json({ migrations: [], next: null }));
    const { code } = await pageferry(['list', ...flags], { variables });
    expect(code).toBe(exitCodes.done);
    expect(agent().asked(LIST)[0]?.headers.authorization).toBe('Bearer a-secret-token');
  });

  test('never crosses a network in clear text', async () => {
    const environment = new TestEnvironment();
    const args = ['list', '--api', 'http://192.0.2.1:7410', '--token-file', tokenFile];
    expect(await runCommandLine(args, environment)).toBe(exitCodes.usage);
    expect(environment.complained).toContain('https://');
    expect(environment.complained).not.toContain('a-secret-token');
  });

  test('does not follow a redirection', async () => {
    agent().on(LIST, (response) => response.writeHead(307, { location: `${agent().url}/elsewhere` }).end());
    const { code } = await pageferry(['list', '--token-file', tokenFile]);
    expect(code).toBe(exitCodes.refused);
    expect(agent().asked('GET /elsewhere')).toEqual([]);
  });
});

describe('what the agent refuses', () => {
  test('is shown with its host, all findings and the code', async () => {
    agent().on(SHOW, json(misfit, 409));
    const { code, environment } = await pageferry(show);
    expect(code).toBe(exitCodes.refused);
    expect(environment.complained).toBe(
      'The two sides do not fit together (on the destination) [preflight-failed]\n' +
        '  - the machine type differs\n  - the RAM differs\n',
    );
  });

  test('is shown with the way out', async () => {
    const problem = { type: 'urn:pageferry:error:unauthorized', title: 'The token is missing', status: 401 };
    agent().on(SHOW, json(problem, 401));
    const { code, environment } = await pageferry(show);
    expect(code).toBe(exitCodes.refused);
    expect(environment.complained).toContain('--token-file');
  });

  test('is one JSON object with --json', async () => {
    agent().on(SHOW, json(misfit, 409));
    const { environment } = await pageferry([...show, '--json']);
    expect(environment.lastJson).toEqual(misfit);
  });

  test('by a fault of its own is a failure', async () => {
    agent().on(SHOW, json({ ...misfit, status: 500 }, 500));
    expect((await pageferry(show)).code).toBe(exitCodes.failed);
  });

  test('without an explanation is named by its status', async () => {
    agent().on(SHOW, (response) => response.writeHead(404).end('<html>'));
    const { code, environment } = await pageferry(show);
    expect(code).toBe(exitCodes.refused);
    expect(environment.complained).toContain('HTTP status 404');
  });
});

describe('an API that cannot be reached', () => {
  test('because nobody listens', async () => {
    const environment = new TestEnvironment({ variables: { PAGEFERRY_API: 'http://127.0.0.1:1' } });
    expect(await runCommandLine(['list'], environment)).toBe(exitCodes.unreachable);
    expect(environment.complained).toContain('nobody listens there');
  });

  test('because the agent hangs up', async () => {
    agent().on(SHOW, (response) => response.destroy());
    expect((await pageferry(show)).code).toBe(exitCodes.unreachable);
  });

  test.each(['no JSON at all', '{"id": "but nothing else"}', '[]', ''])(
    'because it answers %j',
    async (text) => {
      agent().on(SHOW, (response) => response.writeHead(200).end(text));
      const { code, environment } = await pageferry(show);
      expect(code).toBe(exitCodes.unreachable);
      expect(environment.complained).toContain('is not what the API of a pageferry agent answers');
    },
  );
});

test('nothing that the agent says steers the terminal', async () => {
  agent().on(SHOW, json({ ...inPrecopy, guest: 'web\x1b]0;title\x07\u202e1' }));
  const { environment } = await pageferry(show);
  expect(environment.written).toContain('web\ufffd]0;title\ufffd\ufffd1');
});

describe('colours', () => {
  test.each([
    ['a terminal has them', true, [], {}, true],
    ['a file has none', false, [], {}, false],
    ['--no-color takes them away', true, ['--no-color'], {}, false],
    ['NO_COLOR takes them away', true, [], { NO_COLOR: '1' }, false],
  ])('%s', async (_what, isTerminal, flags, variables, expected) => {
    agent().on(SHOW, json(inPrecopy));
    const { environment } = await pageferry([...show, ...flags], { isTerminal, variables });
    expect(environment.written.includes('\x1b[')).toBe(expected);
  });
});
