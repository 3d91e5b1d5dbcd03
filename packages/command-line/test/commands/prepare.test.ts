import { describe, expect, test, vi } from 'vitest';
import { exitCodes } from '../../src/exit-codes.js';
import { json } from '../support/fake-agent.js';
import { indexing, ready } from '../support/recorded-preparation.js';
import { TestEnvironment } from '../support/test-environment.js';
import { useCommandLine } from '../support/use-command-line.js';

const { agent, pageferry, runIn } = useCommandLine();

const PREPARATIONS = 'POST /v1/preparations';
const ONE = `GET /v1/preparations/${indexing.id}`;
const END = `DELETE /v1/preparations/${indexing.id}`;

describe('what is asked for', () => {
  test('leaves to the agent what is not said', async () => {
    agent().on(PREPARATIONS, json(indexing, 202));
    const { code, environment } = await pageferry(['prepare', 'web1', 'web2', '--detach']);
    expect(code).toBe(exitCodes.done);
    expect(environment.written).toBe(`${indexing.id}\n`);
    expect(agent().asked(PREPARATIONS)[0]?.body).toEqual({ guests: ['web1', 'web2'] });
  });

  test('is all that the flags say, in the units of the API', async () => {
    agent().on(PREPARATIONS, json(indexing, 202));
    const flags = ['--processor-share', '2.5', '--lifetime', '60', '--memory', '1GiB', '--detach'];
    await pageferry(['prepare', '--all', ...flags]);
    expect(agent().asked(PREPARATIONS)[0]?.body).toEqual({
      guests: 'all',
      processorShare: 2.5,
      lifetimeSeconds: 60,
      memoryBytes: 2 ** 30,
    });
  });

  test.each([
    ['no guest and no --all', ['prepare'], 'say --all'],
    ['guests and --all', ['prepare', 'web1', '--all'], '--all: either this or the names'],
    ['a size that is none', ['prepare', 'web1', '--memory', '1Gbit'], 'A size such as 256MiB'],
  ])('is nothing with %s', async (_what, args, said) => {
    const { code, environment } = await pageferry(args);
    expect(code).toBe(exitCodes.usage);
    expect(environment.complained).toContain(said);
    expect(agent().received).toEqual([]);
  });
});

describe('waiting', () => {
  test('comes to its end when all memory has been looked at', async () => {
    agent().on(PREPARATIONS, json(indexing, 202)).on(ONE, json(indexing), json(ready));
    const { code, environment } = await pageferry(['prepare', 'web1', 'web2']);
    expect(code).toBe(exitCodes.done);
    expect(environment.written).toContain(`preparation ${indexing.id}\n`);
    expect(environment.written).toContain(
      '2 guests are prepared: 200 MiB of 1.0 GiB are like nothing else\n',
    );
    expect(environment.written).toContain('1.8 s of a processor, 6.0 MiB of memory');
  });

  test('with --json is one object, all that the agent said, alone on the standard output', async () => {
    agent().on(PREPARATIONS, json(ready, 202));
    const { environment } = await pageferry(['prepare', '--all', '--json']);
    expect(JSON.parse(environment.written)).toEqual(ready);
  });

  test('has failed when the preparation has', async () => {
    const error = {
      type: 'urn:pageferry:error:memory-unreadable',
      title: 'It cannot be read',
      detail: 'all are gone',
    };
    const failed = {
      ...indexing,
      state: 'failed',
      guests: [{ ...indexing.guests[0], lost: 'QEMU is gone' }],
      error,
    };
    agent().on(PREPARATIONS, json(indexing, 202)).on(ONE, json(failed));
    const { code, environment } = await pageferry(['prepare', 'web1']);
    expect(code).toBe(exitCodes.failed);
    expect(environment.written).toContain('all are gone');
    expect(environment.written).toContain('web1: QEMU is gone');
  });

  test('is given up by Ctrl-C, and the preparation goes on', async () => {
    agent().on(PREPARATIONS, json(indexing, 202)).on(ONE, json(indexing));
    const environment = new TestEnvironment();
    const running = runIn(environment, ['prepare', 'web1']);
    await vi.waitFor(() => {
      expect(environment.written).toContain('preparation ');
    });
    environment.interrupt();
    expect(await running).toBe(exitCodes.detached);
    expect(environment.written).toContain(`pageferry prepare --end ${indexing.id}`);
    expect(agent().asked(END)).toEqual([]);
    expect(environment.isListenedTo).toBe(false);
  });
});

test('the preparations that there are are listed', async () => {
  agent().on('GET /v1/preparations', json({ preparations: [indexing] }));
  const { code, environment } = await pageferry(['prepare', '--list']);
  expect(code).toBe(exitCodes.done);
  expect(environment.written).toMatch(new RegExp(`${indexing.id} +indexing +web1 web2 +450 ms +6.0 MiB +20`));
});

test('a preparation is ended by its id', async () => {
  agent().on(END, (response) => response.writeHead(204).end());
  const { code, environment } = await pageferry(['prepare', '--end', indexing.id]);
  expect(code).toBe(exitCodes.done);
  expect(environment.written).toBe(`${indexing.id}: ended\n`);
  expect(agent().asked(END)).toHaveLength(1);
});
