import type { MachineDescription } from './describe-machine.js';
import { isSupported, tooOld } from './version.js';

type Block = MachineDescription['ramBlocks'][number];

/**
 * In which a guest may be when its migration begins. Not `postmigrate`, from which QEMU starts no dirty log, and not
 * `suspended`: the saved device state says that the guest runs.
 */
const SOURCE_STATES = ['running', 'paused', 'prelaunch'];

/** In which QEMU starts another migration (migration_is_running in migration/migration.c). */
const IDLE = ['none', 'completed', 'failed', 'cancelled'];

/** Everything that keeps the guest on `source` from being taken over by `destination`, one sentence each. */
export function compareMachines(
  source: MachineDescription,
  destination: MachineDescription,
  { postcopy }: { readonly postcopy: boolean },
): string[] {
  return [
    ...compareVersions(source, destination),
    ...compareHardware(source, destination),
    ...compareBlocks(source.ramBlocks, destination.ramBlocks, postcopy),
    ...checkSource(source),
    ...checkDestination(destination),
  ];
}

function* compareVersions(source: MachineDescription, destination: MachineDescription): Generator<string> {
  for (const [host, { version }] of Object.entries({ source, destination })) {
    if (!isSupported(version)) yield `On the ${host}, ${tooOld(version)}.`;
  }
}

function* compareHardware(source: MachineDescription, destination: MachineDescription): Generator<string> {
  const aspects = [
    ['machine type', 'machineType'],
    ['number of vCPUs', 'vcpus'],
    ['processor type', 'cpuType'],
    ['accelerator', 'accelerator'],
  ] as const;
  for (const [name, key] of aspects) {
    if (source[key] !== destination[key]) {
      yield `The ${name} differs: ${source[key]} on the source, ${destination[key]} on the destination.`;
    }
  }
}

function* compareBlocks(
  source: readonly Block[],
  destination: readonly Block[],
  postcopy: boolean,
): Generator<string> {
  const there = new Map(destination.map((block) => [block.name, block]));
  for (const block of source) {
    const other = there.get(block.name);
    if (other === undefined) yield `The destination has no RAM block ${block.name}.`;
    else yield* compareBlock(block, other, postcopy);
    there.delete(block.name);
  }
  for (const name of there.keys()) yield `The source has no RAM block ${name}, the destination has one.`;
}

function* compareBlock(source: Block, destination: Block, postcopy: boolean): Generator<string> {
  // QEMU resizes a resizable block to what comes in (parse_ramblock in migration/ram.c).
  const resizable = destination.maxLength > destination.length && source.length <= destination.maxLength;
  if (source.length !== destination.length && !resizable) {
    yield `The RAM block ${source.name} has ${source.length} bytes on the source and ${destination.length} on the destination.`;
  }
  if (postcopy && source.pageSize !== destination.pageSize) {
    yield (
      `The RAM block ${source.name} has host pages of ${source.pageSize} bytes on the source and of ` +
      `${destination.pageSize} on the destination; post-copy needs the same.`
    );
  }
}

function* checkSource({ runState, migrationStatus, blockedReasons }: MachineDescription): Generator<string> {
  if (!SOURCE_STATES.includes(runState)) {
    yield `The guest on the source is in the state ${runState}; it must be one of ${SOURCE_STATES.join(', ')}.`;
  }
  if (!IDLE.includes(migrationStatus)) {
    yield `The QEMU on the source is in a migration already, which is ${migrationStatus}.`;
  }
  for (const reason of blockedReasons) yield `The QEMU on the source cannot migrate this guest: ${reason}`;
}

function* checkDestination({ runState, migrationStatus }: MachineDescription): Generator<string> {
  if (runState !== 'inmigrate') {
    yield `The QEMU on the destination does not wait for a guest, it is ${runState}; start it with -incoming defer.`;
  } else if (migrationStatus !== 'none') {
    yield `The QEMU on the destination had an incoming migration before, which is ${migrationStatus}; start it again.`;
  }
}
