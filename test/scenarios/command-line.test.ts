import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startIncoming } from '../agents/move-guest.js';
import { checked, Migration } from '../agents/migration.js';
import { bootGuest, filledPages } from './support/boot-guest.js';
import { expectWhole } from './support/expect-whole.js';
import { runPageferry } from './support/run-pageferry.js';
import { useAgents } from './support/use-agents.js';

const agents = useAgents();

const fillMiB = 48;

const pageferry = (args: readonly string[]) => runPageferry(agents().sourceAgent, args);

test('a guest is migrated by a command, which says in JSON how it went', async () => {
  const guest = await bootGuest(agents().source, { memoryMiB: 256, fillMiB, megabytesPerSecond: 20 });
  const there = await startIncoming(guest, agents().destination);
  const destination = agents().destinationAgent.url;

  const moved = await pageferry(['migrate', guest.name, '--to', destination, '--mode', 'hybrid', '--json']);
  expect(moved).toMatchObject({ code: 0 });
  const migration = checked(Migration, JSON.parse(moved.output));
  expect(migration).toMatchObject({ guest: guest.name, mode: 'hybrid', state: 'completed', error: null });
  expect(moved.errors).toMatch(new RegExp(`${guest.name} runs on ${destination} .*downtime`));
  await expectWhole(there, filledPages(fillMiB));

  const shown = await pageferry(['show', migration.id]);
  expect(shown).toMatchObject({ code: 0, errors: '' });
  expect(shown.output).toMatch(/^state +completed/m);
  expect((await pageferry(['list'])).output).toContain(migration.id);
});

test("what a guest's memory is used for is shown while it runs", async () => {
  const guest = await bootGuest(agents().source, {
    memoryMiB: 256,
    vga: true,
    fillMiB,
    megabytesPerSecond: 20,
  });
  const picture = join(agents().source.directory, 'memory.svg');
  const shown = await pageferry(['inspect', guest.name, '--picture', picture]);
  expect(shown).toMatchObject({ code: 0, errors: '' });
  const pages = (name: string): number =>
    Number(new RegExp(`^${name} +(\\d+) `, 'm').exec(shown.output)?.[1] ?? NaN);
  expect(pages('anonymous')).toBeGreaterThan(filledPages(fillMiB));
  expect(pages('free')).toBeGreaterThan(100 * 256);
  // All RAM that the guest can see, a little of which its chipset hides, and the memory of its screen.
  expect(pages('all')).toBeGreaterThan(255 * 256);
  expect(await readFile(picture, 'utf8')).toMatch(/^<svg .*<path fill="#0072b2" d="M/s);
  await expectWhole(guest, filledPages(fillMiB));
});

test('a migration that the agents refuse fails with what they say', async () => {
  const nowhere = await pageferry(['migrate', 'nowhere', '--to', agents().destinationAgent.url]);
  expect(nowhere).toMatchObject({ code: 3, output: '' });
  expect(nowhere.errors).toMatch(/No guest of this name is here \(on the source\).*\n.*nowhere\.sock/);
});
