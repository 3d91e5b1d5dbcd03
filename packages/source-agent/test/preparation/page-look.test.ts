import { LONE, LonePages, PAGE_SIZE, type BlockShape } from '@pageferry/transfer';
import { expect, test } from 'vitest';
import { noise } from '../../../transfer/test/support/page-words.js';
import { PageLook } from '../../src/preparation/page-look.js';
import { LookedAtMemory } from '../support/looked-at-memory.js';

const shapes: readonly BlockShape[] = [
  { name: 'ram', length: 300 * PAGE_SIZE, pageSize: PAGE_SIZE },
  { name: 'rom', length: 3 * PAGE_SIZE, pageSize: PAGE_SIZE },
];

interface Looked {
  readonly guests: readonly LookedAtMemory[];
  readonly lone: LonePages;
  readonly look: PageLook;
}

function lookAt(count: number): Looked {
  const guests: LookedAtMemory[] = [];
  let pages = 0;
  for (let index = 0; index < count; index++) {
    const guest = new LookedAtMemory(shapes, pages);
    pages += guest.layout.capacity;
    guests.push(guest);
  }
  const lone = new LonePages(new Uint8Array(pages), 5);
  return { guests, lone, look: new PageLook(guests, lone) };
}

function round({ look }: Looked): void {
  const { rounds } = look;
  for (let steps = 0; look.rounds === rounds; steps++) {
    if (steps > 1000) throw new Error('the round does not end');
    look.step();
  }
}

const isLone = ({ guests, lone }: Looked, guest: number, page: number): boolean =>
  lone.known[(guests[guest]?.firstPage ?? 0) + page] === LONE;

test('every page that was ever touched is read once in a round, in order', () => {
  const looked = lookAt(2);
  const [one, other] = looked.guests;
  // At the ends of batches and blocks.
  for (const page of [0, 127, 128, 299]) one?.write(page, noise(page));
  const rom = other?.layout.blocks[1]?.firstPage ?? 0;
  for (const page of [5, rom, rom + 2]) other?.write(page, noise(page));
  round(looked);
  expect(one?.read).toEqual([0, 127, 128, 299]);
  expect(other?.read).toEqual([5, rom, rom + 2].map((page) => page + (other?.firstPage ?? 0)));
  round(looked);
  expect(one?.read).toHaveLength(8);
});

test('a page is lone unless it, or something like it, is in this guest or another one', () => {
  const looked = lookAt(2);
  const [one, other] = looked.guests;
  one?.write(1, noise(1));
  one?.write(2, noise(2));
  one?.write(3, new Uint8Array(PAGE_SIZE));
  other?.write(7, noise(2));
  other?.write(8, noise(8));
  round(looked);
  expect([1, 2, 3, 4].map((page) => isLone(looked, 0, page))).toEqual([true, false, false, false]);
  expect([7, 8].map((page) => isLone(looked, 1, page))).toEqual([false, true]);
});

test('what has changed is known after the next round', () => {
  const looked = lookAt(2);
  const [one, other] = looked.guests;
  one?.write(1, noise(1));
  other?.write(1, noise(2));
  round(looked);
  expect([isLone(looked, 0, 1), isLone(looked, 1, 1)]).toEqual([true, true]);
  other?.write(1, noise(1));
  round(looked);
  expect([isLone(looked, 0, 1), isLone(looked, 1, 1)]).toEqual([false, false]);
  one?.write(1, undefined);
  other?.write(1, noise(3));
  round(looked);
  expect([isLone(looked, 0, 1), isLone(looked, 1, 1)]).toEqual([false, true]);
});

test('a guest that has ended is left out, and nothing is believed of it', () => {
  const looked = lookAt(3);
  const [one, other, last] = looked.guests;
  for (const guest of looked.guests) guest.write(1, noise(guest.firstPage));
  round(looked);
  if (other !== undefined) other.isGone = true;
  round(looked);
  expect(other?.lost).toEqual(['QEMU is gone']);
  expect([0, 1, 2].map((guest) => isLone(looked, guest, 1))).toEqual([true, false, true]);
  expect(looked.look.isOver).toBe(false);
  for (const guest of [one, last]) if (guest !== undefined) guest.isGone = true;
  round(looked);
  expect(looked.look.isOver).toBe(true);
  expect(looked.lone.count).toBe(0);
});
