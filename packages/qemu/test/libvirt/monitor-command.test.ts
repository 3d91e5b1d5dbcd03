import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { monitorCommand, quotedJson } from '../../src/libvirt/monitor-command.js';
import { virshEnvironment } from '../../src/libvirt/virsh.js';

/** What virsh's own parser makes of words, by its command `echo`; no libvirt is asked. */
function echoed(words: readonly string[]): string[] {
  const input = words.map((word) => `echo ${word}\necho\n`).join('');
  const shown = execFileSync('virsh', ['--quiet', '--connect', 'test:///default'], {
    input,
    env: virshEnvironment(),
    encoding: 'utf8',
  });
  return shown
    .split('virsh # ')
    .map((part) => part.slice(part.indexOf('\n') + 1))
    .slice(1, 2 * words.length)
    .filter((_, index) => index % 2 === 0);
}

test('virsh takes every JSON for one word, and leaves it as it is', () => {
  fc.assert(
    fc.property(fc.array(fc.json({ stringUnit: 'binary' }), { minLength: 1, maxLength: 40 }), (texts) => {
      const values = texts.map((text): unknown => JSON.parse(text));
      const received = echoed(values.map((value) => quotedJson({ value })));
      expect(received.map((text): unknown => JSON.parse(text))).toEqual(values.map((value) => ({ value })));
    }),
    { numRuns: 4 },
  );
});

test('nothing but printable ASCII reaches virsh, and the quotes are the first and the last of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      expect(quotedJson(text)).toMatch(/^'[ -&(-~]*'$/);
    }),
  );
});

test('a command names its domain, and is one line', () => {
  expect(monitorCommand('7d3b9a52-0c1f-4a43-8a4e-6d7b0a2f9c01', { execute: "a'\n;quit" })).toBe(
    'qemu-monitor-command --domain 7d3b9a52-0c1f-4a43-8a4e-6d7b0a2f9c01 \'{"execute":"a\\u0027\\n;quit"}\'',
  );
});
