import { describe, expect, test } from 'vitest';
import { exitCodes } from '../../src/exit-codes.js';
import { events, json } from '../support/fake-agent.js';
import { cancelled, completed, inPrecopy } from '../support/recorded-migration.js';
import { useCommandLine } from '../support/use-command-line.js';

const { agent, pageferry } = useCommandLine();

const { id } = inPrecopy;
const EVENTS = `GET /v1/migrations/${id}/events`;
const at = (what: string): string => `POST /v1/migrations/${id}/${what}`;

test.each([
  ['cancel', [], undefined],
  ['switchover', [], undefined],
  ['switchover', ['--with', 'postcopy'], { with: 'postcopy' }],
  ['recover', [], undefined],
])('%s %j asks once and does not wait', async (what, flags, body) => {
  agent().on(at(what), json(inPrecopy, 202));
  const { code, environment } = await pageferry([what, id, ...flags]);
  expect(code).toBe(exitCodes.done);
  expect(agent().received).toMatchObject([{ method: 'POST', body }]);
  expect(environment.written).toContain('its state is active');
});

describe('with --wait', () => {
  test.each([
    ['cancel', cancelled, exitCodes.done],
    ['cancel', completed, exitCodes.failed],
    ['switchover', completed, exitCodes.done],
    ['switchover', cancelled, exitCodes.cancelled],
    ['recover', completed, exitCodes.done],
  ])('the exit code of %s says whether it came to what was wanted', async (what, last, expected) => {
    agent()
      .on(at(what), json(inPrecopy, 202))
      .on(EVENTS, events([['end', last]]));
    expect((await pageferry([what, id, '--wait'])).code).toBe(expected);
  });
});
