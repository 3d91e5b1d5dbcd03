import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import type { Gang } from '../../src/api/gang-schemas.js';
import { plain } from '../../src/view/colours.js';
import { LiveGangView } from '../../src/view/live-gang-view.js';
import { FakeTerminal } from '../support/fake-terminal.js';
import { known, knownMoving, knownWaiting, moved } from '../support/recorded-gang.js';

test('the table is redrawn in its place, with a line of totals below', () => {
  const terminal = new FakeTerminal(90);
  const view = new LiveGangView(terminal, plain);
  view.show(known);
  view.note(['a line that stays']);
  view.show({ ...known, guests: [moved, { ...knownMoving, migrationState: 'device' }, knownWaiting] });
  expect(terminal.lines).toEqual([
    'a line that stays',
    'to ws://10.0.0.2:7411, hybrid, 2 at once',
    'GUEST  STATE        ARRIVED  REMAINING  SENT      DOWNTIME',
    'web1   moved        100%     -          128 MiB   42 ms',
    'web2   switch-over  75%      64.0 MiB   64.0 MiB  -',
    'db1    waiting      -        -          -         -',
    '1 of 3 guests moved, after 3.0 s, 192 MiB sent, 100 MiB not sent twice, rate 100 MiB/s',
    '',
  ]);
  view.close();
  expect(terminal.lines).toEqual(['a line that stays', '']);
});

test.each([1, 20, 40])('no line is wider than a terminal of %d columns, down to a few', (columns) => {
  const terminal = new FakeTerminal(columns);
  const view = new LiveGangView(terminal, plain);
  view.ask('a question that is a good deal longer than the terminal is wide');
  view.show({ ...known, guests: [{ ...knownMoving, guest: 'x'.repeat(100) }] });
  for (const line of terminal.lines)
    expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(Math.max(columns - 1, 13));
});

/** A hundred guests that have moved, and some that have not, the last of them among them. */
const crowd: Gang = {
  ...known,
  guests: Array.from({ length: 102 }, (_nothing, index) => ({
    ...(index === 50 ? knownWaiting : index === 101 ? knownMoving : moved),
    guest: `g${index}`,
  })),
};

test.each([8, 12, 24])(
  'more guests than a terminal of %d lines has room for: those that do not move are left out first',
  (rows) => {
    const terminal = new FakeTerminal(80, rows);
    const view = new LiveGangView(terminal, plain);
    view.ask('a question?');
    view.show(crowd);
    expect(terminal.lines).toHaveLength(rows);
    expect(terminal.lines).toContain(`and ${102 - (rows - 6)} more`);
    expect(terminal.lines.filter((line) => /^g(50|101) /.test(line))).toHaveLength(2);
    expect(terminal.lines.findIndex((line) => line.startsWith('g50'))).toBeLessThan(
      terminal.lines.findIndex((line) => line.startsWith('g101')),
    );
  },
);
