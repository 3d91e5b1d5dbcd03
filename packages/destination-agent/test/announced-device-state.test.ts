import { FrameKind, HEADER_BYTES, readHeader, writeHeader } from '@pageferry/wire';
import { beforeEach, expect, test } from 'vitest';
import { AnnouncedDeviceState } from '../src/announced-device-state.js';

const text = Buffer.from('all of it');

let state: AnnouncedDeviceState;

beforeEach(() => {
  state = new AnnouncedDeviceState(text.length);
});

/** A frame with these bytes, which says that it has so many. */
function take(bytes: Buffer, count = bytes.length): void {
  const frame = Buffer.concat([Buffer.alloc(HEADER_BYTES), bytes]);
  writeHeader(frame, { kind: FrameKind.deviceState, sequence: 1, block: 0, count });
  state.take(frame, readHeader(frame));
}

const refused: unknown = expect.objectContaining({ code: 'protocol-violation' });

test('is complete with its last byte', async () => {
  take(text.subarray(0, 3));
  take(text.subarray(3));
  expect(await state.complete).toEqual(text);
});

test.each([
  [
    'a frame that has more than is missing',
    () => {
      take(Buffer.alloc(text.length + 1));
    },
  ],
  [
    'a frame that has less than it says',
    () => {
      take(text.subarray(0, 3), 4);
    },
  ],
])('refuses %s', (_name, attempt) => {
  expect(attempt).toThrow(refused);
});

test.each([Buffer.alloc(0), Buffer.alloc(1)])('refuses what comes after the last byte: %j', (more) => {
  take(text);
  expect(() => {
    take(more);
  }).toThrow(refused);
});
