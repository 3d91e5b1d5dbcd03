import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { exitCodes } from '../src/exit-codes.js';
import { events, FakeAgent, json } from './support/fake-agent.js';
import { cancelled, inPrecopy } from './support/recorded-migration.js';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const EVENTS = `GET /v1/migrations/${inPrecopy.id}/events`;
const CANCEL = `POST /v1/migrations/${inPrecopy.id}/cancel`;
const CTRL_C = '\x03';

let agent: FakeAgent;
const started: ChildProcess[] = [];

beforeEach(async () => {
  agent = await FakeAgent.start();
});
afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  await agent.close();
});

function start(program: string, args: readonly string[]) {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PAGEFERRY_API: agent.url, TERM: 'xterm', NO_COLOR: '1' },
  });
  started.push(child);
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  const exited = once(child, 'close').then(([code]: unknown[]) => code);
  const untilShown = (what: string | RegExp): Promise<void> =>
    vi.waitFor(
      () => {
        expect(output).toMatch(what);
      },
      { timeout: 20_000 },
    );
  return { child, exited, untilShown };
}

/** script(1) gives the command a terminal of its own, without a shell in between, which the terminal's Ctrl-C would end. */
const onTerminal = () =>
  start('script', [
    ...['--quiet', '--return', '--command'],
    `exec '${process.execPath}' '${main}' watch ${inPrecopy.id}`,
    '/dev/null',
  ]);

test('on a terminal Ctrl-C asks, c cancels, and the end is shown', async () => {
  let finish: () => void = () => undefined;
  agent
    .on(EVENTS, (response, received) => {
      events([['progress', inPrecopy]], false)(response, received);
      finish = () => response.end(`event: end\ndata: ${JSON.stringify(cancelled)}\n\n`);
    })
    .on(CANCEL, (response, received) => {
      json(inPrecopy, 202)(response, received);
      finish();
    });
  const { child, exited, untilShown } = onTerminal();
  await untilShown(/█+░+ 75%/);
  child.stdin.write(CTRL_C);
  await untilShown('Detach');
  child.stdin.write('c');
  expect(await exited).toBe(exitCodes.cancelled);
  await untilShown('web1 stays here: cancelled');
});

test('on a terminal a second Ctrl-C detaches', async () => {
  agent.on(EVENTS, events([['progress', inPrecopy]], false));
  const { child, exited, untilShown } = onTerminal();
  await untilShown('pre-copy');
  child.stdin.write(CTRL_C);
  await untilShown('Detach');
  child.stdin.write(CTRL_C);
  expect(await exited).toBe(exitCodes.detached);
  await untilShown(`detached from ${inPrecopy.id}`);
  expect(agent.asked(CANCEL)).toEqual([]);
});

test('in a pipe Ctrl-C detaches and names the migration', async () => {
  agent.on(EVENTS, events([['progress', inPrecopy]], false));
  const { child, exited, untilShown } = start(process.execPath, [main, 'watch', inPrecopy.id]);
  await untilShown('active: pre-copy');
  child.kill('SIGINT');
  expect(await exited).toBe(exitCodes.detached);
  await untilShown(`detached from ${inPrecopy.id}`);
});

test('a reader that has enough is no failure', async () => {
  agent.on('GET /v1/migrations', json({ migrations: Array(5_000).fill(inPrecopy) }));
  const command = `'${process.execPath}' '${main}' list --limit 5000 | head -n 1; exit "\${PIPESTATUS[0]}"`;
  const { exited, untilShown } = start('bash', ['-c', command]);
  expect(await exited).toBe(exitCodes.done);
  await untilShown(/^ID/);
});
