import type { Migration } from '../../src/api/schemas.js';

const startedAt = Date.UTC(2026, 0, 2, 3, 4, 5);

/** A migration as the source agent showed one, in the middle of pre-copy, with what else a newer agent may say. */
export const inPrecopy = {
  id: '6f9c6a52-3a55-4d4e-9c38-b52f1f3f9a01',
  guest: 'web1',
  destination: { url: 'ws://10.0.0.2:7411', guest: 'web1' },
  mode: 'hybrid',
  state: 'active',
  history: [
    { state: 'setup', at: startedAt },
    { state: 'active', at: startedAt + 400 },
  ],
  startedAt,
  totalMs: 2_000,
  downtimeMs: null,
  downtime: null,
  iterations: 3,
  iterationTable: [],
  memory: { bytes: 256 * 2 ** 20, pages: 65_536 },
  remainingPages: 16_384,
  bandwidthCaps: { precopy: 0, postcopy: 0 },
  pages: { normal: 49_000, zero: 152, requested: 0, pushed: 0 },
  bytes: { sent: 192 * 2 ** 20 },
  bandwidth: 100 * 2 ** 20,
  dirtyRate: 20 * 2 ** 20,
  error: null,
  addedByANewerAgent: { any: 'thing' },
};

export const completed = {
  ...inPrecopy,
  state: 'completed',
  history: [
    ...inPrecopy.history,
    { state: 'device', at: startedAt + 2_500 },
    { state: 'completed', at: startedAt + 3_000 },
  ],
  totalMs: 3_000,
  downtimeMs: 42,
  downtime: { stop: 1, deviceState: 4, lastPages: 20, load: 10, journal: 3, resume: 2, rest: 2 },
  remainingPages: 0,
};

export const cancelled = {
  ...inPrecopy,
  state: 'cancelled',
  history: [
    ...inPrecopy.history,
    { state: 'cancelling', at: startedAt + 2_100 },
    { state: 'cancelled', at: startedAt + 2_200 },
  ],
};

export const misfit = {
  type: 'urn:pageferry:error:preflight-failed',
  title: 'The two sides do not fit together',
  status: 409,
  detail: 'the machine type differs; the RAM differs',
  host: 'destination',
  findings: ['the machine type differs', 'the RAM differs'],
};

export const failed = { ...inPrecopy, state: 'failed', error: misfit };

/** What the command line takes it for. */
export const known = { ...inPrecopy, downtime: null, error: null } satisfies Migration;
