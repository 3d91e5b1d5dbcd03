import { ContentStore } from '@pageferry/transfer';
import { HEADER_BYTES, MAX_REFERENCES, PAGE_RECORD_BYTES } from '@pageferry/wire';
import { expect, test } from 'vitest';
import { ConnectionContents } from '../src/connection-contents.js';

test('a buffer has room for as many pages as a frame may refer to, and is used again', () => {
  const contents = new ConnectionContents(new ContentStore(0));
  const buffer = contents.takeBuffer();
  expect(buffer.length).toBe(HEADER_BYTES + MAX_REFERENCES * PAGE_RECORD_BYTES);
  expect(contents.takeBuffer()).not.toBe(buffer);
  contents.giveBack(buffer);
  expect(contents.takeBuffer()).toBe(buffer);
});

test('of many that are given back no more are kept than four windows need', () => {
  const contents = new ConnectionContents(new ContentStore(0));
  const taken = Array.from({ length: 40 }, () => contents.takeBuffer());
  for (const buffer of taken) contents.giveBack(buffer);
  const again = Array.from({ length: 40 }, () => contents.takeBuffer());
  expect(again.filter((buffer) => taken.includes(buffer))).toHaveLength(32);
});
