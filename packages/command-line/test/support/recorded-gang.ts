import type { Gang, Member } from '../../src/api/gang-schemas.js';
import { misfit } from './recorded-migration.js';

const MIB = 2 ** 20;

const nothingSent = {
  normal: 0,
  reference: 0,
  compressed: 0,
  delta: 0,
  unchanged: 0,
  zero: 0,
  requested: 0,
  pushed: 0,
};

const waiting = {
  guest: 'db1',
  state: 'waiting',
  migration: null,
  migrationState: null,
  attempts: 0,
  memory: null,
  remainingPages: 0,
  downtimeMs: null,
  totalMs: null,
  sentBytes: 0,
  error: null,
} satisfies Member;

const moving = {
  ...waiting,
  guest: 'web2',
  state: 'moving',
  migration: 'm2',
  migrationState: 'active',
  attempts: 1,
  memory: { bytes: 256 * MIB, pages: 65_536 },
  remainingPages: 16_384,
  totalMs: 1_000,
  sentBytes: 64 * MIB,
} satisfies Member;

export const moved = {
  ...moving,
  guest: 'web1',
  state: 'moved',
  migration: 'm1',
  migrationState: 'completed',
  remainingPages: 0,
  downtimeMs: 42,
  totalMs: 2_000,
  sentBytes: 128 * MIB,
} satisfies Member;

/** A gang as the source agent showed one, in the middle, with what else a newer agent may say. */
export const underway = {
  id: '0b1f3c1e-5d0a-4e55-8d6b-7f4f0c2f7b11',
  destination: { url: 'ws://10.0.0.2:7411' },
  mode: 'hybrid',
  state: 'active',
  startedAt: Date.UTC(2026, 0, 2, 3, 4, 5),
  totalMs: 3_000,
  atOnce: 2,
  bandwidthCap: 0,
  guests: [moved, moving, waiting],
  sent: { bytes: 192 * MIB, pages: { ...nothingSent, normal: 40_000, reference: 25_600 } },
  bandwidth: 100 * MIB,
  error: null,
  addedByANewerAgent: { any: 'thing' },
};

const lateComers = ['web2', 'db1'].map((guest, index) => ({ ...moved, guest, migration: `m${index + 2}` }));

export const allMoved = { ...underway, state: 'completed', totalMs: 5_000, guests: [moved, ...lateComers] };

export const oneFailed = {
  ...underway,
  state: 'failed',
  guests: [
    moved,
    { ...moving, state: 'failed', migrationState: 'failed', error: misfit },
    { ...waiting, state: 'skipped' },
  ],
};

export const givenUp = {
  ...underway,
  state: 'cancelled',
  guests: [
    moved,
    { ...moving, state: 'cancelled', migrationState: 'cancelled' },
    { ...waiting, state: 'skipped' },
  ],
};

/** What the command line takes it for. */
export const known: Gang = underway;
export const knownMoving: Member = moving;
export const knownWaiting: Member = waiting;
