import type { Command } from 'commander';
import type { Guest } from '../api/schemas.js';
import { exitCodes } from '../exit-codes.js';
import { table } from '../view/table.js';
import { formatBytes } from '../view/units.js';
import { JSON_OPTION, type Runner } from './runner.js';

const HEAD = ['GUEST', 'STATUS', 'MEMORY', 'VCPUS', 'MIGRATABLE'];

export function addGuests(program: Command, run: Runner): void {
  const command = program
    .command('guests')
    .description('list the guests on this host, and what keeps them from being migrated')
    .option(...JSON_OPTION)
    .action(async () => {
      await run(command, async (session) => {
        const { value, whole } = await session.client.guests();
        session.print(whole, () =>
          value.guests.length === 0 ? ['no guests'] : table([HEAD, ...value.guests.map(rowOf)]),
        );
        return exitCodes.done;
      });
    });
}

function rowOf({ name, status, memoryBytes, vcpus, migratable, reasons }: Guest): string[] {
  return [
    name,
    status ?? '-',
    typeof memoryBytes === 'number' ? formatBytes(memoryBytes) : '-',
    typeof vcpus === 'number' ? String(vcpus) : '-',
    migratable ? 'yes' : `no: ${reasons.join('; ')}`,
  ];
}
