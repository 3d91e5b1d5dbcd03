import { describe, expect, it } from 'vitest';
import { formatVersion, isSupported, requireSupportedVersion } from '../../src/machine/version.js';
import type { QmpGreeting } from '../../src/qmp/qmp-message.js';
import { expectThrown } from '../support/expect-error.js';

const greeting = (major: number, minor: number, micro: number): QmpGreeting => ({
  version: { qemu: { major, minor, micro }, package: 'Debian' },
  capabilities: [],
});

describe('requireSupportedVersion', () => {
  it.each([
    [8, 2, 0],
    [8, 2, 9],
    [9, 0, 0],
    [10, 0, 2],
    [10, 1, 90],
  ])('takes %i.%i.%i', (...version) => {
    requireSupportedVersion(greeting(...version));
  });

  it.each([
    [7, 2, 22],
    [8, 1, 99],
    [2, 12, 0],
  ])('refuses %i.%i.%i, and says what is needed', (...version) => {
    const found = greeting(...version);
    expectThrown(
      () => {
        requireSupportedVersion(found);
      },
      'qemu-too-old',
      formatVersion(found),
      '8.2 or newer',
    );
  });

  it('does not support what is no version', () => {
    expect(isSupported('')).toBe(false);
    expect(isSupported('newest')).toBe(false);
  });
});
