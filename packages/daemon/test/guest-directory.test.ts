import { dirname } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GUEST_NAME_PATTERN, guestSocketPath } from '../src/index.js';

const directory = '/run/pageferry/guests';

test.each(['web1', 'A', '0', 'db-2.example.org', 'a_b', 'x'.repeat(64)])(
  'the guest %s has a socket',
  (name) => {
    expect(guestSocketPath(directory, name)).toBe(`${directory}/${name}.sock`);
  },
);

test.each([
  '',
  '.',
  '..',
  '.hidden',
  '-option',
  '_',
  '../web1',
  'a/b',
  'a\\b',
  'a b',
  'web1\n',
  'web1\0',
  'wéb',
  'x'.repeat(65),
])('%j cannot be the name of a guest', (name) => {
  expect(() => guestSocketPath(directory, name)).toThrow(
    expect.objectContaining({
      code: 'guest-not-found',
      message: `${JSON.stringify(name)} cannot be the name of a guest`,
    }),
  );
});

test('no name leads out of the directory', () => {
  const names = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.string({ unit: fc.constantFrom('.', '/', 'a', '-', '\0', '\n'), maxLength: 8 }),
    fc.stringMatching(new RegExp(GUEST_NAME_PATTERN)),
  );
  fc.assert(
    fc.property(names, (name) => {
      let path: string;
      try {
        path = guestSocketPath(directory, name);
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'guest-not-found' });
        return;
      }
      expect(dirname(path)).toBe(directory);
      expect(path).toBe(`${directory}/${name}.sock`);
    }),
  );
});
