import { expect, test } from 'vitest';
import { exitCodes } from '../../src/exit-codes.js';
import { json, type Reply } from '../support/fake-agent.js';
import { useCommandLine } from '../support/use-command-line.js';

const { agent, pageferry } = useCommandLine();

const at = (id: string): string => `DELETE /v1/migrations/${id}`;
const gone: Reply = (response) => response.writeHead(204).end();
const underway = {
  type: 'urn:pageferry:error:migration-state',
  title: 'The migration is not in a state that allows this',
  status: 409,
  detail: 'the migration is under way: cancel it, or wait for its end',
};

test('migrations that are over are forgotten', async () => {
  agent().on(at('a'), gone).on(at('b'), gone);
  const { code, environment } = await pageferry(['forget', 'a', 'b']);
  expect(code).toBe(exitCodes.done);
  expect(environment.written).toBe('a: forgotten\nb: forgotten\n');
});

test('one that is refused keeps no other one from being forgotten', async () => {
  agent().on(at('a'), json(underway, 409)).on(at('b'), gone);
  const { code, environment } = await pageferry(['forget', 'a', 'b']);
  expect(code).toBe(exitCodes.refused);
  expect(environment.complained).toMatch(/^a: The migration is not .*\n +the migration is under way/);
  expect(environment.written).toBe('b: forgotten\n');
});

test('with --json it is one object, with what was refused', async () => {
  agent().on(at('a'), json(underway, 409)).on(at('b'), gone);
  const { environment } = await pageferry(['forget', 'a', 'b', '--json']);
  expect(JSON.parse(environment.written)).toEqual({
    forgotten: ['b'],
    refused: [{ id: 'a', problem: underway }],
  });
});

test('what was forgotten before the agent could not be reached any more is named', async () => {
  agent()
    .on(at('a'), gone)
    .on(at('b'), (response) => response.destroy());
  const { code, environment } = await pageferry(['forget', 'a', 'b', 'c']);
  expect(code).toBe(exitCodes.unreachable);
  expect(environment.written).toBe('a: forgotten\n');
  expect(agent().asked(at('c'))).toEqual([]);
});
