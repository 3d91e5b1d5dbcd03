import { describe, expect, it } from 'vitest';
import { statusLine } from '../../src/index.js';

const active = { state: 'active', remainingPages: 257 };

describe('statusLine', () => {
  it('says what each migration has before it', () => {
    expect(
      statusLine([
        { ...active, guest: 'web1', bandwidth: 112_400_000 },
        { guest: null, state: 'setup', remainingPages: 0, bandwidth: null },
      ]),
    ).toBe('web1 active, 2 MiB to go at 112 MB/s; a guest setup, 0 MiB to go');
  });

  it('leaves out what is over', () => {
    const over = ['completed', 'cancelled', 'failed'].map((state) => ({ ...active, guest: 'web1', state }));
    expect(statusLine(over)).toBe('No migration is under way');
  });

  it('stays short, however many there are', () => {
    const many = Array.from({ length: 100 }, (_, index) => ({ ...active, guest: `web${index}` }));
    expect(statusLine(many)).toMatch(/^web0 .*; web3 [^;]*; and 96 more$/);
  });
});
