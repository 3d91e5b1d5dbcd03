import { describe, expect, test } from 'vitest';
import { migration } from '../../browser/api/migration.js';
import { progressOf } from '../../browser/view/progress.js';
import { spansOf } from '../../browser/view/spans.js';
import { completedView, startedAt, viewOf } from '../support/scripted-migration.js';

describe('the progress', () => {
  test('is not known before anything is sent', () => {
    const view = viewOf({ state: 'setup', history: [{ state: 'setup', at: startedAt }] });
    expect(progressOf(migration(view))).toEqual({
      arrived: undefined,
      remainingBytes: undefined,
      leftMs: undefined,
      downtimeMs: undefined,
    });
  });

  test('is what the destination has, and the time is that of what remains beyond what the guest writes', () => {
    const view = viewOf({ remainingPages: 65_536, bandwidth: 3 << 26, dirtyRate: 1 << 26 });
    expect(progressOf(migration(view))).toEqual({
      arrived: 0.75,
      remainingBytes: 1 << 28,
      leftMs: 2000,
      downtimeMs: undefined,
    });
  });

  test('has no end while the guest writes as much as is sent', () => {
    expect(progressOf(migration(viewOf({ dirtyRate: 131_000_000 }))).leftMs).toBeUndefined();
  });

  test('counts the downtime while the guest stands still', () => {
    const { history } = viewOf();
    const standing = [...history, { state: 'device' as const, at: startedAt + 10_000 }];
    const view = viewOf({ state: 'device', history: standing, totalMs: 10_040 });
    expect(progressOf(migration(view)).downtimeMs).toBe(40);
  });

  test('is whole when the guest has moved', () => {
    expect(progressOf(migration(completedView()))).toMatchObject({ arrived: 1, downtimeMs: 61.4 });
  });
});

test('a phase lasts until the next one, and the last one until now', () => {
  expect(spansOf(migration(viewOf()))).toEqual([
    { state: 'setup', beginMs: 0, tookMs: 120, isLast: false },
    { state: 'active', beginMs: 120, tookMs: 10_880, isLast: true },
  ]);
});
