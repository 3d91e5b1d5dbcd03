import fc from 'fast-check';
import { MAX_DISK_SAMPLES, type ControlMessage } from '../../src/index.js';

const text = fc.string({ unit: 'grapheme', maxLength: 64 });
const count = fc.nat(Number.MAX_SAFE_INTEGER);
const ms = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true });
const error = fc.record(
  {
    code: fc.string({ maxLength: 64 }),
    message: text,
    host: fc.constantFrom('source' as const, 'destination' as const),
    findings: fc.array(text, { maxLength: 5 }),
  },
  { requiredKeys: ['code', 'message'], noNullPrototype: true },
);
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true });
const mode = fc.constantFrom('precopy' as const, 'postcopy' as const, 'hybrid' as const);
const machine = fc
  .json({ maxDepth: 5 })
  // msgpackr gives such a key another name.
  .filter((json) => !json.includes('__proto__'))
  .map((json): unknown => JSON.parse(json));
const digits = (count: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${count}}$`));
const disk = { name: text, bytes: count };
const sample = record({
  offset: fc.nat(Math.floor(Number.MAX_SAFE_INTEGER / 512)).map((sector) => sector * 512),
  hash: digits(16),
});
const samples = fc.array(sample, { maxLength: MAX_DISK_SAMPLES });
const sampledDisk = fc.record(
  { ...disk, image: digits(64), samples },
  { requiredKeys: ['name', 'bytes', 'samples'], noNullPrototype: true },
);
const sampleCount = fc.nat(MAX_DISK_SAMPLES);
const comparedDisk = fc.record(
  {
    there: text,
    sameImage: fc.boolean(),
    equal: sampleCount,
    different: sampleCount,
    unreadable: sampleCount,
  },
  { requiredKeys: ['sameImage', 'equal', 'different', 'unreadable'], noNullPrototype: true },
);
const only = <const T>(type: T): { type: fc.Arbitrary<T> } => ({ type: fc.constant(type) });

/** A generator for every type of control message: one that is forgotten does not compile. */
export const messagesByType: {
  readonly [T in ControlMessage['type']]: fc.Arbitrary<Extract<ControlMessage, { type: T }>>;
} = {
  hello: record({
    ...only('hello'),
    lowest: fc.integer({ min: 1 }),
    highest: fc.integer({ min: 1 }),
    software: text,
    migration: fc.uuid(),
    resume: fc.boolean(),
  }),
  welcome: record({
    ...only('welcome'),
    version: fc.integer({ min: 1 }),
    software: text,
    window: fc.integer({ min: 1024 * 1024 }),
  }),
  refused: record({ ...only('refused'), error }),
  prepare: record({ ...only('prepare'), guest: text, mode, machine }),
  prepared: record(only('prepared')),
  examine: fc.record(
    { ...only('examine'), guest: text, mode, machine, disks: fc.array(sampledDisk, { maxLength: 3 }) },
    { requiredKeys: ['type', 'guest', 'mode', 'machine'], noNullPrototype: true },
  ),
  examined: fc.record(
    {
      ...only('examined'),
      findings: fc.array(text, { maxLength: 5 }),
      machine,
      disks: fc.array(comparedDisk, { maxLength: 3 }),
    },
    { requiredKeys: ['type', 'findings', 'machine'], noNullPrototype: true },
  ),
  stale: record({ ...only('stale'), pages: count }),
  'device-state': record({
    ...only('device-state'),
    bytes: fc.integer({ min: 1, max: 256 * 1024 * 1024 }),
    postcopy: fc.boolean(),
  }),
  ready: record(only('ready')),
  'hand-over': record({ ...only('hand-over'), run: fc.boolean() }),
  running: record({ ...only('running'), timings: record({ load: ms, journal: ms, resume: ms }) }),
  returned: record({ ...only('returned'), error }),
  'all-sent': record(only('all-sent')),
  completed: record(only('completed')),
  abort: record({ ...only('abort'), error }),
  aborted: record(only('aborted')),
  failed: record({ ...only('failed'), error }),
  standing: fc.record(
    {
      ...only('standing'),
      phase: fc.constantFrom('owner' as const, 'returned' as const, 'unknown' as const),
      completed: fc.boolean(),
      missing: count,
      error,
    },
    { requiredKeys: ['type', 'phase', 'completed', 'missing'], noNullPrototype: true },
  ),
};
