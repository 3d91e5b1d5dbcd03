import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { PageferryError } from '@pageferry/errors';
import {
  FrameKind,
  MAX_FRAME_BYTES,
  chooseVersion,
  decodeControl,
  encodeControl,
  errorForWire,
  errorFromWire,
  type ControlMessage,
} from '../src/index.js';
import { messagesByType } from './support/arbitrary.js';

const violation: unknown = expect.objectContaining({ code: 'protocol-violation' });
const packr = new Packr({ useRecords: false, variableMapSize: true });
const frameOf = (value: unknown): Buffer => Buffer.concat([Buffer.of(FrameKind.control), packr.pack(value)]);
const hello = {
  type: 'hello',
  lowest: 1,
  highest: 1,
  software: '1.0.0',
  migration: '0b17e2d6-f418-40b0-98db-fbc578270e1b',
  resume: false,
} as const;

test.each(Object.entries(messagesByType))(
  'a control message arrives as it was sent: %s',
  (_type, messages) => {
    fc.assert(
      fc.property<[ControlMessage]>(messages, (message) => {
        expect(decodeControl(encodeControl(message))).toEqual(message);
      }),
    );
  },
);

test('a control message that would not fit into a frame is not sent', () => {
  const machine = 'x'.repeat(MAX_FRAME_BYTES);
  expect(() => encodeControl({ type: 'prepare', guest: 'web1', mode: 'hybrid', machine })).toThrow(
    expect.objectContaining({ code: 'internal' }),
  );
});

describe('a control message is refused', () => {
  test.each<[string, unknown, RegExp]>([
    ['of unknown type', { type: 'launch' }, /unknown type/],
    ['of a type that is a name of every object', { type: 'constructor' }, /unknown type/],
    ['without a type', { bytes: 1 }, /unknown type/],
    ['whose type is no text', { type: ['ready'] }, /unknown type/],
    ['that is no map', [1, 2], /unknown type/],
    ['that is nothing', null, /unknown type/],
    ['with a field too many', { type: 'ready', now: true }, /"ready" is not valid/],
    ['with a field that is missing', { type: 'hand-over' }, /"hand-over" is not valid at "\/run"/],
    ['with a number out of range', { type: 'device-state', bytes: 0, postcopy: true }, /at "\/bytes"/],
    ['with a number that is none', { type: 'stale', pages: NaN }, /at "\/pages"/],
    ['with a fraction of a page', { type: 'stale', pages: 1.5 }, /at "\/pages"/],
    ['with an endless version', { ...hello, highest: Infinity }, /at "\/highest"/],
    [
      'with a path for its migration',
      { ...hello, migration: '../../../../../../etc/cron.d/migrate' },
      /at "\/mig/,
    ],
    ['with a window of nothing', { type: 'welcome', version: 1, software: '', window: 0 }, /at "\/window"/],
    ['with a large integer', { type: 'stale', pages: 2n ** 63n }, /at "\/pages"/],
  ])('%s', (_what, value, message) => {
    expect(() => decodeControl(frameOf(value))).toThrow(violation);
    expect(() => decodeControl(frameOf(value))).toThrow(message);
  });
});

describe('a key named __proto__', () => {
  const withProto = (fields: object): Buffer =>
    Buffer.concat([
      Buffer.of(FrameKind.control, 0x80 + Object.keys(fields).length + 1),
      ...Object.entries(fields).flatMap(([key, value]) => [packr.pack(key), packr.pack(value)]),
      packr.pack('__proto__'),
      packr.pack({ polluted: true, type: 'ready' }),
    ]);

  test('is one key too many', () => {
    expect(() => decodeControl(withProto({ type: 'ready' }))).toThrow(violation);
  });

  test('does not stand in for a type', () => {
    expect(() => decodeControl(withProto({}))).toThrow(violation);
  });

  test('changes no object, not even the hello, in which unknown keys may stand', () => {
    const message = decodeControl(withProto(hello));
    expect(Object.getPrototypeOf(message)).toBe(Object.prototype);
    expect(message).not.toHaveProperty('polluted');
    expect({}).not.toHaveProperty('polluted');
  });
});

test('any bytes end in a message or in a protocol violation', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expectMessageOrViolation(Buffer.concat([Buffer.of(FrameKind.control), bytes]));
    }),
    { numRuns: 2000 },
  );
});

test('any change of a message ends in a message or in a protocol violation', () => {
  const frames = fc.oneof(...Object.values(messagesByType)).map((message) => encodeControl(message));
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(frames, changes, fc.nat(3), (frame, edits, cut) => {
      for (const [at, byte] of edits) frame[1 + (at % (frame.length - 1))] = byte;
      expectMessageOrViolation(frame.subarray(0, Math.max(1, frame.length - cut)));
    }),
    { numRuns: 2000 },
  );
});

function expectMessageOrViolation(frame: Buffer): void {
  try {
    expect(decodeControl(frame)).toHaveProperty('type');
  } catch (error) {
    expect(error).toBeInstanceOf(PageferryError);
    expect(error).toEqual(violation);
  }
}

describe('an error crosses the wire', () => {
  test('with its code, host and findings', () => {
    const error = new PageferryError('preflight-failed', 'why', {
      host: 'destination',
      findings: ['a', 'b'],
    });
    const message = decodeControl(encodeControl({ type: 'failed', error: errorForWire(error) }));
    if (message.type !== 'failed') throw new Error('another message');
    expect(errorFromWire(message.error)).toEqual(error);
  });

  test('however long it is, cut to what a message may hold', () => {
    const findings = Array.from({ length: 1000 }, () => '\u2014'.repeat(10_000));
    const error = new PageferryError('preflight-failed', '\u2014'.repeat(100_000), { findings });
    const message = decodeControl(encodeControl({ type: 'failed', error: errorForWire(error) }));
    expect(message).toMatchObject({ type: 'failed', error: { code: 'preflight-failed' } });
  });

  test('as an internal one that keeps its code in the text, if a newer peer invented it', () => {
    const error = errorFromWire({ code: 'from-the-future', message: 'why' });
    expect(error).toMatchObject({ code: 'internal', message: 'from-the-future: why' });
  });
});

describe('the protocol version', () => {
  test('is the highest that both know', () => {
    expect(chooseVersion({ lowest: 1, highest: 9 })).toBe(1);
  });

  test.each([
    [{ lowest: 2, highest: 3 }, /versions 2 to 3, this destination 1 to 1/],
    [{ lowest: 5, highest: 1 }, /versions 5 to 1, this destination 1 to 1/],
  ])('is refused, with both ranges, when there is none in common: %o', (peer, message) => {
    expect(() => chooseVersion(peer)).toThrow(message);
    expect(() => chooseVersion(peer)).toThrow(expect.objectContaining({ code: 'protocol-version' }));
  });
});
