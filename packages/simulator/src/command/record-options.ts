import { tmpdir } from 'node:os';
import type { Command } from 'commander';
import { limits } from '../trace/format.js';
import { durationWithin } from './parsers.js';

/** What the command line says of a recording. Times in ms. */
export interface RecordFlags {
  readonly qmp: string;
  readonly output: string;
  readonly duration: number;
  readonly interval: number;
  readonly directory: string;
}

const LONGEST_RECORDING_MS = limits.microseconds / 1000;
/** A whole recording of these is fewer looks than a trace may have. */
const SHORTEST_INTERVAL_MS = 10;
const LONGEST_INTERVAL_MS = 60_000;

/** Adds all that can be said of a recording. */
export function addRecordOptions(command: Command): Command {
  return command
    .requiredOption('--qmp <socket>', "of the guest's QEMU; nobody else may be connected to it")
    .requiredOption('--output <file>', 'for the trace')
    .option('--duration <time>', 'of the recording', durationWithin(1000, LONGEST_RECORDING_MS), 60_000)
    .option(
      '--interval <time>',
      'between two looks at the dirty log',
      durationWithin(SHORTEST_INTERVAL_MS, LONGEST_INTERVAL_MS),
      100,
    )
    .option('--directory <path>', 'for a socket that QEMU can reach', tmpdir());
}
