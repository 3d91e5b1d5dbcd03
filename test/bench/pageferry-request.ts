import type { Mode } from '../agents/migration.js';
import type { MigrationRequest } from '../agents/source-client.js';
import type { Mover } from './method.js';

export const giveUpMs = 120_000;
/** To end a migration that is given up. */
export const graceMs = 30_000;

/** How pageferry is asked to move a guest, alone or in a gang. */
export const pageferryRequest = (
  mode: Mode,
  { unfiltered = false, withoutStorage = false }: Pick<Mover, 'unfiltered' | 'withoutStorage'> = {},
): Pick<
  MigrationRequest,
  'mode' | 'sourceAfter' | 'timeLimitMs' | 'whenStalled' | 'pageFilter' | 'storage'
> => ({
  mode,
  // The source's QEMU is kept, for its processor time.
  sourceAfter: 'keep',
  timeLimitMs: giveUpMs,
  // QEMU would go on for ever; an operator who wants the guest to be gone lets it be stopped.
  ...(mode === 'precopy' ? { whenStalled: 'stop' } : {}),
  ...(unfiltered ? { pageFilter: { free: false, cache: false } } : {}),
  ...(withoutStorage ? { storage: 'off' } : {}),
});
