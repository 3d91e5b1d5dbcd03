import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { plain } from '../../src/view/colours.js';
import { LiveView } from '../../src/view/live-view.js';
import { FakeTerminal } from '../support/fake-terminal.js';
import { known } from '../support/recorded-migration.js';

test('the block is redrawn in its place, below the lines that stay', () => {
  const terminal = new FakeTerminal(80);
  const view = new LiveView(terminal, plain);
  view.show(known);
  view.note(['a line that stays']);
  view.ask('a question?');
  view.show({ ...known, iterations: 4 });
  expect(terminal.lines.slice(0, 3)).toEqual([
    'a line that stays',
    'web1 to ws://10.0.0.2:7411, hybrid',
    `  ${'█'.repeat(30)}${'░'.repeat(10)} 75%`,
  ]);
  expect(terminal.lines).toHaveLength(1 + 7 + 1 + 1);
  expect(terminal.lines).toContain('  phase     pre-copy, iteration 4');
  view.ask(undefined);
  expect(terminal.lines).not.toContain('a question?');
  view.close();
  expect(terminal.lines).toEqual(['a line that stays', '']);
});

test.each([1, 20, 40])('no line is wider than a terminal of %d columns, down to a few', (columns) => {
  const terminal = new FakeTerminal(columns);
  const view = new LiveView(terminal, plain);
  view.ask('a question that is a good deal longer than the terminal is wide');
  view.show({ ...known, guest: 'x'.repeat(100) });
  for (const line of terminal.lines) {
    expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(Math.max(columns - 1, 13));
  }
});
