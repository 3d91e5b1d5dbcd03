import { expect, test } from 'vitest';
import { migration } from '../../browser/api/migration.js';
import { knowsIterations } from '../../browser/live/iterations.js';
import { completedView, iterationTable } from '../support/scripted-migration.js';

test.each([
  [7, iterationTable(7), true],
  [7, iterationTable(7).slice(3), true],
  [7, iterationTable(6), false],
  [7, [], false],
  [0, [], true],
])('of %d iterations it is known whether the newest are there', (iterations, rows, known) => {
  expect(knowsIterations(migration(completedView({ iterations, iterationTable: rows })))).toBe(known);
});
