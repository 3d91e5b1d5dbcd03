import { writeFile } from 'node:fs/promises';
import { PageferryError } from '@pageferry/errors';
import type { Command } from 'commander';
import type { Inspection } from '../api/schemas.js';
import { exitCodes } from '../exit-codes.js';
import { memoryMap } from '../view/memory-map.js';
import { table } from '../view/table.js';
import { PAGE_BYTES, formatBytes, formatPercent } from '../view/units.js';
import { JSON_OPTION, type Runner } from './runner.js';

const HEAD = ['CLASS', 'PAGES', 'SIZE', 'SHARE'];

interface InspectFlags {
  readonly picture?: string;
}

export function addInspect(program: Command, run: Runner): void {
  const command = program
    .command('inspect <guest>')
    .description("show what a guest's memory is used for, while it runs")
    .option('--picture <file>', 'write a map of its memory into this file (SVG)')
    .option(...JSON_OPTION)
    .action(async (guest: string, { picture }: InspectFlags) => {
      await run(command, async (session) => {
        const { value, whole } = await session.client.inspect(guest);
        if (picture !== undefined) await writePicture(picture, value);
        session.print(whole, () => linesOf(value));
        return value.reason === null ? exitCodes.done : exitCodes.refused;
      });
    });
}

function linesOf({ guest, kernel, reason, pages }: Inspection): string[] {
  if (pages === null) return [`${guest}: unsupported: ${reason ?? 'no reason is known'}`];
  const all = Object.values(pages).reduce((sum, count) => sum + count, 0);
  const rows = [...Object.entries(pages), ['all', all] as const].map(([name, count]) => [
    name,
    String(count),
    formatBytes(count * PAGE_BYTES),
    formatPercent(all === 0 ? 0 : count / all),
  ]);
  return [`${guest}: Linux ${kernel ?? ''}`, ...table([HEAD, ...rows])];
}

/** Error: `request-invalid`, for what has no map or cannot be written. */
async function writePicture(path: string, inspection: Inspection): Promise<void> {
  if (inspection.map === null) {
    throw new PageferryError(
      'request-invalid',
      `--picture: there is no map of ${inspection.guest}, which cannot be looked into: ${inspection.reason ?? ''}`,
    );
  }
  try {
    await writeFile(path, memoryMap(inspection.guest, inspection.map));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PageferryError('request-invalid', `--picture: ${path} cannot be written: ${why}`, { cause });
  }
}
