import { readFile } from 'node:fs/promises';
import { createContext, runInContext } from 'node:vm';
import { expect, test } from 'vitest';
import { inDeploy } from '../src/paths.js';

const manageUnits = 'org.freedesktop.systemd1.manage-units';

interface Asked {
  readonly id?: string;
  readonly user?: string;
  readonly unit?: string | undefined;
  readonly verb?: string;
}

/** What the rule says; undefined leaves it to others, who refuse it. */
async function decide({
  id = manageUnits,
  user = 'pageferry',
  unit,
  verb = 'start',
}: Asked): Promise<unknown> {
  const decisions: unknown[] = [];
  const details: Readonly<Record<string, string | undefined>> = { unit, verb };
  const polkit = {
    Result: { YES: 'yes' },
    addRule: (rule: (action: object, subject: object) => unknown) => {
      decisions.push(rule({ id, lookup: (key: string) => details[key] }, { user }));
    },
  };
  runInContext(await readFile(inDeploy('polkit/60-pageferry.rules'), 'utf8'), createContext({ polkit }));
  expect(decisions).toHaveLength(1);
  return decisions[0];
}

test.each(['start', 'stop', 'reset-failed'])('the agent may %s a guest', async (verb) => {
  expect(await decide({ unit: 'qemu-guest@web-1.example_2.service', verb })).toBe('yes');
});

test.each<Asked>([
  { unit: 'ssh.service' },
  { unit: 'qemu-guest@.service' },
  { unit: 'qemu-guest@-x.service' },
  { unit: 'qemu-guest@web1.service.service/..' },
  { unit: 'my-qemu-guest@web1.service' },
  { unit: 'qemu-guest@web1.socket' },
  { unit: undefined },
  { unit: 'qemu-guest@web1.service', verb: 'kill' },
  { unit: 'qemu-guest@web1.service', verb: 'set-property' },
  { unit: 'qemu-guest@web1.service', user: 'nobody' },
  { unit: 'qemu-guest@web1.service', id: 'org.freedesktop.systemd1.manage-unit-files' },
])('nothing else is allowed: %j', async (asked) => {
  expect(await decide(asked)).toBeUndefined();
});
