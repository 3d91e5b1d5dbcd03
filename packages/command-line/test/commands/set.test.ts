import { expect, test } from 'vitest';
import { exitCodes } from '../../src/exit-codes.js';
import { json } from '../support/fake-agent.js';
import { inPrecopy } from '../support/recorded-migration.js';
import { useCommandLine } from '../support/use-command-line.js';

const { agent, pageferry } = useCommandLine();

const { id } = inPrecopy;
const CHANGE = `PATCH /v1/migrations/${id}`;
const changed = {
  ...inPrecopy,
  downtimeLimitMs: 50,
  timeLimitMs: 1_500,
  whenStalled: 'stop',
  bandwidthCaps: { precopy: 104_857_600, postcopy: 0 },
};

test('what is said is changed, in the units of the API, and what holds now is shown', async () => {
  agent().on(CHANGE, json(changed));
  const flags = ['--downtime-limit', '50', '--time-limit', '1.5', '--when-stalled', 'stop'];
  const { code, environment } = await pageferry(['set', id, ...flags, '--bandwidth-precopy', '100MiB']);
  expect(code).toBe(exitCodes.done);
  expect(agent().asked(CHANGE)).toMatchObject([
    {
      body: {
        downtimeLimitMs: 50,
        timeLimitMs: 1_500,
        whenStalled: 'stop',
        bandwidthCaps: { precopy: 104_857_600 },
      },
    },
  ]);
  expect(environment.written).toBe(
    `${id}: downtime 50 ms, pre-copy 1.5 s, when stalled stop, ` +
      'bandwidth 100 MiB/s before the switch-over, unlimited after it\n',
  );
});

test('what is not said is left out', async () => {
  agent().on(CHANGE, json(changed));
  await pageferry(['set', id, '--bandwidth-postcopy', '0']);
  expect(agent().asked(CHANGE)[0]?.body).toEqual({ bandwidthCaps: { postcopy: 0 } });
});

test('with --json it is all that the agent said', async () => {
  agent().on(CHANGE, json(changed));
  const { environment } = await pageferry(['set', id, '--when-stalled', 'stop', '--json']);
  expect(environment.lastJson).toEqual(changed);
});

test('nothing to change is wrong usage, and not asked', async () => {
  const { code, environment } = await pageferry(['set', id]);
  expect(code).toBe(exitCodes.usage);
  expect(environment.complained).toContain('nothing is to be changed');
  expect(agent().received).toEqual([]);
});

test('what the agent refuses is shown', async () => {
  const problem = {
    type: 'urn:pageferry:error:migration-state',
    title: 'The migration is not in a state that allows this',
    status: 409,
    detail: 'the guest has been stopped',
  };
  agent().on(CHANGE, json(problem, 409));
  const { code, environment } = await pageferry(['set', id, '--downtime-limit', '50']);
  expect(code).toBe(exitCodes.refused);
  expect(environment.complained).toContain('the guest has been stopped');
});
