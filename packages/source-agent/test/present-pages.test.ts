import { PAGE_SIZE } from '@pageferry/transfer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PresentPages } from '../src/present-pages.js';

test('reads each run of pages that are present, and no page that is not', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 32 }), fc.nat(100), (present, first) => {
      const memory = {
        readPresence: (_block: number, address: number, count: number, target: Uint8Array) => {
          expect([address, count]).toEqual([first * PAGE_SIZE, present.length]);
          target.set(present.map(Number));
        },
        readSync: (_block: number, address: number, target: Uint8Array, offset: number, length: number) => {
          for (let done = 0; done < length; done += PAGE_SIZE) {
            const page = (address + done) / PAGE_SIZE - first;
            expect(present[page]).toBe(true);
            target.fill(page + 1, offset + done, offset + done + PAGE_SIZE);
          }
        },
      };
      const pages = new PresentPages(32);
      const seen: number[] = [];
      pages.read(memory, 0, first * PAGE_SIZE, present.length, {
        present: (page, count) => {
          for (let index = 0; index < count; index++) {
            const content = pages.buffer.subarray(index * PAGE_SIZE, (index + 1) * PAGE_SIZE);
            expect(content.every((byte) => byte === page + index + 1)).toBe(true);
            seen.push(page + index);
          }
        },
        absent: (page, count) => {
          for (let index = 0; index < count; index++) {
            expect(present[page + index]).toBe(false);
            seen.push(page + index);
          }
        },
      });
      expect(seen).toEqual(present.map((_, page) => page));
    }),
  );
});
