import { randomUUID } from 'node:crypto';
import type { Logger } from '@pageferry/daemon';
import { PageferryError } from '@pageferry/errors';
import { MachineDescriptionSchema, type MachineDescription } from '@pageferry/qemu';
import { Type, type Static } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { awaitPreparation } from './await-preparation.js';
import type { SourceConfiguration } from './configuration.js';
import { DestinationLink } from './destination-link.js';
import { connectGuest } from './guest-monitor.js';
import { guestThere } from './outgoing-context.js';
import type { KnownGuests } from './page-filter/known-guests.js';
import { wantsStorage, type MigrationRequest } from './request.js';
import { OwnRoute } from './route.js';
import { SourceGuest } from './source-guest.js';
import { DiskReport, diskReport } from './storage/disk-report.js';
import { sampleDisks } from './storage/sample-disks.js';
import type { StreamIdentity } from './stream-identity.js';

const Machine = Type.Object({
  version: Type.String({ description: "QEMU's" }),
  machineType: Type.String(),
  accelerator: Type.Union([Type.Literal('kvm'), Type.Literal('tcg')]),
  cpuType: Type.String(),
  vcpus: Type.Integer(),
  memoryBytes: Type.Integer({ description: 'Of all RAM blocks' }),
  runState: Type.String({ description: "QEMU's RunState" }),
});

/** What would become of a migration. */
export const DryRun = Type.Object(
  {
    fits: Type.Boolean({ description: 'Whether nothing keeps the guest from moving' }),
    findings: Type.Array(Type.String(), { description: 'What keeps it from moving, one sentence each' }),
    source: Machine,
    destination: Machine,
    storage: Type.Union([
      DiskReport,
      Type.Null({ description: 'Page cache would come over the network: the request says so' }),
    ]),
  },
  { $id: 'DryRun', description: 'What the two sides were found to be' },
);
export type DryRun = Static<typeof DryRun>;

export interface DryRunOptions {
  readonly request: MigrationRequest;
  readonly configuration: SourceConfiguration;
  readonly knownGuests: KnownGuests;
  readonly identity?: StreamIdentity | undefined;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Has the two sides compared as a migration would, and leaves both as they are.
 * @throws what keeps them from being compared: a QEMU or an agent that cannot be reached
 */
export async function runPreflight(options: DryRunOptions): Promise<DryRun> {
  const { request, configuration, knownGuests, identity, log, signal } = options;
  const { reconnectSeconds } = configuration;
  const guest = await SourceGuest.open(await connectGuest(configuration, request.guest, { signal }), signal);
  const { url } = request.destination;
  const route = new OwnRoute(url, identity);
  const link = new DestinationLink({ id: randomUUID(), route, reconnectSeconds, log, signal });
  try {
    await link.connect();
    const { peer } = link;
    const sampled = wantsStorage(request) ? await sampleDisks(guest, knownGuests, log, signal) : undefined;
    await peer.send({
      type: 'examine',
      guest: guestThere(request),
      mode: request.mode,
      machine: guest.machine,
      ...(sampled && { disks: [...sampled.disks] }),
    });
    const { findings, machine, disks } = await awaitPreparation(peer, 'examined', configuration, signal);
    if (!Value.Check(MachineDescriptionSchema, machine)) {
      throw new PageferryError(
        'protocol-violation',
        'the destination describes its machine in a way that is not valid',
      );
    }
    return {
      fits: findings.length === 0,
      findings,
      source: summaryOf(guest.machine),
      destination: summaryOf(machine),
      storage: sampled === undefined ? null : diskReport(sampled, disks),
    };
  } finally {
    link.close();
    guest.close();
  }
}

function summaryOf({
  version,
  machineType,
  accelerator,
  cpuType,
  vcpus,
  runState,
  ramBlocks,
}: MachineDescription): DryRun['source'] {
  const memoryBytes = ramBlocks.reduce((sum, { length }) => sum + length, 0);
  return { version, machineType, accelerator, cpuType, vcpus, memoryBytes, runState };
}
