const MIB = 2 ** 20;

/** A preparation as the source agent showed one, in its first round, with what else a newer agent may say. */
export const indexing = {
  id: 'b0d3a2c4-7a52-4f0a-9d0e-8f0c1d2e3f40',
  state: 'indexing',
  guests: [
    { guest: 'web1', bytes: 512 * MIB, lost: null },
    { guest: 'web2', bytes: 512 * MIB, lost: null },
  ],
  processorShare: 10,
  startedAt: Date.UTC(2026, 0, 2, 3, 4, 5),
  expiresAt: Date.UTC(2026, 0, 2, 4, 4, 5),
  indexBytes: 6 * MIB,
  rounds: 0,
  pages: { total: 262_144, lookedAt: 65_536, lone: 1000 },
  processorMs: 450,
  yields: true,
  gang: null,
  error: null,
  addedByANewerAgent: { any: 'thing' },
};

export const ready = {
  ...indexing,
  state: 'ready',
  rounds: 1,
  pages: { total: 262_144, lookedAt: 0, lone: 51_200 },
  processorMs: 1800,
};
