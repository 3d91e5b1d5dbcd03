import { Value } from '@sinclair/typebox/value';
import { describe, expect, test } from 'vitest';
import { MigrationRequest, refuseContradiction } from '../src/request.js';

const requestTo = (url: string): MigrationRequest =>
  Value.Parse(MigrationRequest, { guest: 'web1', destination: { url } });

describe("a destination's URL", () => {
  test.each([
    'ws://10.0.0.2:7411',
    'wss://host.example:7411/',
    'wss://host.example',
    'ws://host_1:1',
    'wss://[2001:db8::2]:7411',
  ])('%s is one', (url) => {
    const request = requestTo(url);
    expect(() => {
      refuseContradiction(request);
    }).not.toThrow();
  });

  test.each(['ws://10.0.0.2:99999', 'ws://10.0.0.256:7411', 'wss://[2001:db8]:1'])(
    '%s leads nowhere',
    (url) => {
      const request = requestTo(url);
      expect(() => {
        refuseContradiction(request);
      }).toThrow('has no valid host or port');
    },
  );
});
