import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { PageferryError } from '@pageferry/errors';
import {
  FrameKind,
  checkPagesFrame,
  checkRunsFrame,
  chooseVersion,
  decodeControl,
  encodeControl,
  readHeader,
  type ControlMessage,
} from '../src/index.js';

const violation: unknown = expect.objectContaining({ code: 'protocol-violation' });
const frameOf = (value: unknown): Buffer =>
  Buffer.concat([Buffer.of(FrameKind.control), new Packr({ useRecords: false }).pack(value)]);

const messages: readonly ControlMessage[] = [
  {
    type: 'hello',
    lowest: 1,
    highest: 1,
    software: '1.0.0',
    migration: '0b17e2d6-f418-40b0-98db-fbc578270e1b',
    resume: false,
  },
  { type: 'welcome', version: 1, software: '1.0.0', window: 8 * 1024 * 1024 },
  { type: 'prepare', guest: 'web1', mode: 'hybrid', machine: { version: '10.0.2', ramBlocks: [] } },
  { type: 'device-state', bytes: 13_000, postcopy: true },
  { type: 'failed', error: { code: 'incoming-failed', message: 'why', host: 'destination' } },
  { type: 'running', timings: { load: 1.5, journal: 2, resume: 0 } },
  { type: 'standing', phase: 'owner', completed: false, missing: 17 },
];

test.each(messages)('a control message arrives as it was sent: $type', (message) => {
  expect(decodeControl(encodeControl(message))).toEqual(message);
});

describe('a control message is refused', () => {
  test.each([
    ['of unknown type', { type: 'launch' }, /unknown type/],
    ['without a type', { bytes: 1 }, /unknown type/],
    ['that is no map', [1, 2], /unknown type/],
    ['with a field too many', { type: 'ready', now: true }, /"ready" is not valid/],
    ['with a field that is missing', { type: 'hand-over' }, /"hand-over" is not valid at "\/run"/],
    ['with a number out of range', { type: 'device-state', bytes: 0, postcopy: true }, /at "\/bytes"/],
  ])('%s', (_what, value, message) => {
    expect(() => decodeControl(frameOf(value))).toThrow(violation);
    expect(() => decodeControl(frameOf(value))).toThrow(message);
  });
});

test('any bytes end in a message or in a protocol violation', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const frame = Buffer.concat([Buffer.of(FrameKind.control), bytes]);
      try {
        expect(decodeControl(frame)).toHaveProperty('type');
      } catch (error) {
        expect(error).toEqual(violation);
      }
    }),
    { numRuns: 2000 },
  );
});

test('any bytes as a data frame end in a checked frame or in a protocol violation', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 9000 }), fc.nat(1 << 20), (bytes, blockLength) => {
      const frame = Buffer.from(bytes);
      for (const check of [checkPagesFrame, checkRunsFrame]) {
        try {
          check(frame, readHeader(frame), blockLength);
        } catch (error) {
          expect(error).toBeInstanceOf(PageferryError);
          expect(error).toEqual(violation);
        }
      }
    }),
  );
});

describe('the protocol version', () => {
  test('is the highest that both know', () => {
    expect(chooseVersion({ lowest: 1, highest: 9 })).toBe(1);
  });

  test('is refused, with both ranges, when there is none in common', () => {
    expect(() => chooseVersion({ lowest: 2, highest: 3 })).toThrow(
      /versions 2 to 3, this destination 1 to 1/,
    );
  });
});
