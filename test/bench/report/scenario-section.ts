import { usualWeight } from '../../environment/processor-weight.js';
import { linkTitle, type Link } from '../link.js';
import type { Scenario } from '../scenario.js';
import { figureTitles } from './figure-titles.js';
import {
  factor,
  inBrackets,
  mebibytes,
  medianOf,
  milliseconds,
  none,
  percent,
  seconds,
  table,
  thousands,
} from './format.js';
import { gangTable } from './gang-table.js';
import { comparedFigures, type ComparedFigure, type Ratio } from './ratios.js';
import type { Report } from './report.js';
import { storageTable } from './storage-table.js';
import type { Summary } from './summary.js';

/** What was measured of a scenario over a link; nothing if nothing was. */
export function scenarioSection(scenario: Scenario, link: Link, { summaries, ratios }: Report): string[] {
  const here = ({ scenario: name, link: over }: Pick<Ratio, 'scenario' | 'link'>): boolean =>
    name === scenario.name && over === link;
  const rows = summaries.filter(here);
  if (rows.length === 0) return [];
  const compared = ratios.filter(here);
  return [
    '',
    `## ${scenario.name}, ${linkTitle(link)}`,
    '',
    `${scenario.purpose}. ${guestsOf(scenario)}${diskOf(scenario, link)}; ${scenario.load(link, 0).description}.`,
    ...exceptions(rows),
    '',
    ...summaryTable(rows),
    ...storageTable(rows),
    ...gangTable(rows),
    ...ratioSection(compared),
  ];
}

function guestsOf({ guests, memoryMiB, beatMs }: Scenario): string {
  const which =
    guests === undefined ? `A guest of ${memoryMiB} MiB` : `${guests} guests of ${memoryMiB} MiB each`;
  return beatMs === undefined ? which : `${which}, with a heartbeat every ${beatMs} ms`;
}

const diskOf = ({ storage }: Scenario, link: Link): string =>
  storage === undefined
    ? ''
    : `, with a disk on a third host (a raw image, exported by \`qemu-nbd\`), to which each of the two has a link of its own: ${linkTitle(storage(link))}`;

/** Which rows were not measured under the conditions that the document tells of at its beginning. */
function exceptions(rows: readonly Summary[]): string[] {
  const except = (title: string, isOne: (row: Summary) => boolean): string[] => {
    const methods = rows.filter(isOne).map(({ method }) => method);
    if (methods.length === 0) return [];
    return [`${title}: ${methods.length === rows.length ? 'all methods' : methods.join(', ')}.`];
  };
  return [
    ...except('The first guest, or gang, that its daemons moved', ({ movedBefore }) => movedBefore === 0),
    ...except(
      'Daemons that had moved a guest before, but no gang',
      ({ movedBefore, gang }) => movedBefore === 1 && gang !== null,
    ),
    ...except(
      'Daemons with no more of busy processors than a guest',
      ({ processorWeight }) => processorWeight === usualWeight,
    ),
    ...except('Into memory that was not reserved', ({ memoryReserved }) => !memoryReserved),
  ];
}

function summaryTable(rows: readonly Summary[]): string[] {
  const header = [
    ...['method', 'completed', 'total s', 'downtime ms', 'told ms', 'gap ms', 'slow-down %'],
    ...['sent MiB', 'pages, thousands', 'requests', 'CPU s', 'daemon MiB'],
  ];
  return table(
    header,
    rows.map((row) => [
      row.method,
      `${row.completed}/${row.runs}`,
      inBrackets(row.totalTime, seconds),
      inBrackets(row.downtime, milliseconds),
      medianOf(row.reportedDowntime, milliseconds),
      inBrackets(row.guestGap, milliseconds),
      inBrackets(row.slowDown, percent),
      inBrackets(row.bytes, mebibytes),
      medianOf(row.pages, thousands),
      medianOf(row.pageRequests, milliseconds),
      `${medianOf(row.sourceCpu, seconds)} + ${medianOf(row.destinationCpu, seconds)}`,
      row.daemonPeakBytes === null ? none : mebibytes(row.daemonPeakBytes),
    ]),
  );
}

/** What QEMU had sent, and how long it had taken, when it was given up is the least that it would have been. */
function isBound({ baselineCompleted }: Ratio, figure: ComparedFigure): boolean {
  return !baselineCompleted && ['pages', 'bytes', 'totalTime'].includes(figure);
}

function ratioSection(ratios: readonly Ratio[]): string[] {
  const [first] = ratios;
  if (first === undefined) return [];
  const which =
    first.baseline === 'qemu-precopy' ? '' : ", of QEMU's methods the one that is through soonest";
  return ['', `Over \`${first.baseline}\`${which}:`, '', ...ratioTable(ratios)];
}

function ratioTable(ratios: readonly Ratio[]): string[] {
  return table(
    ['method', ...comparedFigures.map((figure) => figureTitles[figure])],
    ratios.map((ratio) => [
      ratio.completed ? ratio.method : `${ratio.method} (not completed)`,
      ...comparedFigures.map((figure) => `${isBound(ratio, figure) ? '≤ ' : ''}${factor(ratio[figure])}`),
    ]),
  );
}
