import { beforeEach, expect, test } from 'vitest';
import { PlainGangView } from '../../src/view/plain-gang-view.js';
import { known, knownMoving, knownWaiting, moved } from '../support/recorded-gang.js';
import { misfit } from '../support/recorded-migration.js';
import { TestEnvironment } from '../support/test-environment.js';

let environment: TestEnvironment;
let view: PlainGangView;

beforeEach(() => {
  environment = new TestEnvironment();
  view = new PlainGangView(environment.output);
});

test('a guest has a line whenever its state changes, and none while it only waits', () => {
  view.show({ ...known, guests: [knownMoving, knownWaiting] });
  view.show({ ...known, guests: [{ ...knownMoving, remainingPages: 1 }, knownWaiting] });
  view.show({ ...known, guests: [{ ...moved, guest: 'web2' }, knownWaiting] });
  expect(environment.written).toBe(
    'web2: pre-copy, 75% arrived, 64.0 MiB remaining, 64.0 MiB sent, after 1.0 s\n' +
      'web2: moved, 128 MiB sent, downtime 42 ms, after 2.0 s\n',
  );
});

test('a guest that is tried again says why', () => {
  view.show({ ...known, guests: [{ ...knownWaiting, attempts: 1, error: misfit }] });
  expect(environment.written).toBe(`db1: waiting to be tried again, ${misfit.detail}\n`);
});

test('while nothing changes there is a line now and then of how all of them stand', () => {
  for (const totalMs of [1_000, 5_900, 6_000, 7_000, 11_000]) view.show({ ...known, totalMs });
  const [, , ...totals] = environment.written.trimEnd().split('\n');
  expect(totals.map((line) => /after [^,]*/.exec(line)?.[0])).toEqual(['after 6.0 s', 'after 11.0 s']);
});
