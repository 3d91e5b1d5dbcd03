import { expect, test } from 'vitest';
import { parsePageTables } from '@pageferry/qemu';

test('the page tables of all processors are found among their registers', () => {
  const text = [
    'CPU#0',
    'RAX=0000000000000000 RBX=0000000000000000',
    'CR0=80050033 CR2=00007f3cbd8f2010 CR3=0000000002c0a005 CR4=003706f0',
    '',
    'CPU#1',
    'CR0=80050033 CR2=0000000000000000 CR3=000000011f2a4000 CR4=003706e0',
  ].join('\r\n');
  expect(parsePageTables(text)).toEqual([0x2c0a005, 0x11f2a4000]);
});

test('without registers there are none', () => {
  expect(parsePageTables('')).toEqual([]);
});
