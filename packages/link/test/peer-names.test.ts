import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAllowedPeer, isPeerRule, peerNames } from '../src/peer-names.js';

describe('the names in a certificate', () => {
  test.each([
    ['DNS:a.test, DNS:B.test', ['a.test', 'b.test']],
    ['URI:spiffe://Test/host/a', ['spiffe://Test/host/a']],
    ['IP Address:10.0.0.2, email:root@a.test, othername:<unsupported>', []],
    ['DNS:*.a.test, DNS:a.test', ['a.test']],
    ['DirName:"CN=a\\u002c DNS:evil.test", DNS:a.test', ['a.test']],
    ['URI:"http://a.test/\\u002c DNS:evil.test"', []],
    ['DNS:a.test, and more', []],
    ['', []],
    [undefined, []],
  ])('of %j are %j', (text, names) => {
    expect(peerNames(text)).toEqual(names);
  });

  test('are at most what stands in it, whatever it is', () => {
    const part = fc.oneof(fc.constantFrom('DNS:', 'URI:', ', ', '"', '\\', 'a.test', '*.'), fc.string());
    fc.assert(
      fc.property(
        fc.array(part).map((parts) => parts.join('')),
        (text) => {
          for (const name of peerNames(text)) {
            expect(text.toLowerCase()).toContain(name.toLowerCase());
            expect(name).not.toMatch(/[",*]/);
          }
        },
      ),
    );
  });
});

describe('a rule', () => {
  test.each([
    ['a.hosts.test', 'a.hosts.test', true],
    ['a.hosts.test', 'A.Hosts.Test', true],
    ['a.hosts.test', 'b.hosts.test', false],
    ['a.hosts.test', '*.hosts.test', true],
    ['a.b.hosts.test', '*.hosts.test', false],
    ['hosts.test', '*.hosts.test', false],
    ['.hosts.test', '*.hosts.test', false],
    ['evilhosts.test', '*.hosts.test', false],
    ['a.hosts.test.evil', 'a.hosts.test', false],
    ['spiffe://test/a', 'spiffe://test/a', true],
    ['spiffe://test/a', 'spiffe://test/A', false],
    ['spiffe://test/a', '*.test', false],
  ])('for %s: %s allows it: %j', (name, rule, allowed) => {
    expect(isAllowedPeer([name], [rule])).toBe(allowed);
    expect(isAllowedPeer(['other', name], ['another', rule])).toBe(allowed);
  });

  test('allows nobody without a name, and none allows nobody', () => {
    expect(isAllowedPeer([], ['*.hosts.test'])).toBe(false);
    expect(isAllowedPeer(['a.hosts.test'], [])).toBe(false);
  });

  test.each([
    ['a.hosts.test', true],
    ['host-1', true],
    ['*.hosts.test', true],
    ['spiffe://test/host/a', true],
    ['*', false],
    ['*.', false],
    ['a.*.test', false],
    ['**.test', false],
    ['spiffe://test/*', false],
    ['10.0.0.2', false],
    ['a..test', false],
    ['', false],
  ])('%j can be one: %j', (rule, can) => {
    expect(isPeerRule(rule)).toBe(can);
  });
});
