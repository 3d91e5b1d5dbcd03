import { Type, type Static } from '@sinclair/typebox';
import { readRamBlocks } from '../memory/ram-blocks.js';
import type { QmpClient, QmpOptions } from '../qmp/qmp-client.js';
import { migrationStanding } from './migration-standing.js';
import { formatVersion } from './version.js';

/** What two machines are compared by before a guest moves between them. JSON: it crosses the wire. */
export const MachineDescriptionSchema = Type.Object({
  version: Type.String(),
  /** With its version: `pc-i440fx-10.0`. */
  machineType: Type.String(),
  accelerator: Type.Union([Type.Literal('kvm'), Type.Literal('tcg')]),
  /** The QOM type of the first vCPU: `qemu64-x86_64-cpu`. */
  cpuType: Type.String(),
  vcpus: Type.Integer({ minimum: 1 }),
  /** One of QEMU's RunState (qapi/run-state.json). */
  runState: Type.String(),
  /** One of QEMU's MigrationStatus (qapi/migration.json); `none` before the first migration. */
  migrationStatus: Type.String(),
  /** Why QEMU itself would refuse to migrate this guest now. */
  blockedReasons: Type.Array(Type.String()),
  /** What migrates, in QEMU's order. Lengths in bytes. */
  ramBlocks: Type.Array(
    Type.Object({
      name: Type.String(),
      length: Type.Integer({ minimum: 0 }),
      /** To what the block can be resized by an incoming migration; as {@link length} for nearly all. */
      maxLength: Type.Integer({ minimum: 0 }),
      /** Of the host memory behind it. */
      pageSize: Type.Integer({ minimum: 1 }),
    }),
  ),
  /** Every migration capability that this QEMU knows, and whether it is on. */
  capabilities: Type.Record(Type.String(), Type.Boolean()),
});

export type MachineDescription = Static<typeof MachineDescriptionSchema>;

const KvmSchema = Type.Object({ enabled: Type.Boolean() });
const CpusSchema = Type.Array(Type.Object({ 'qom-path': Type.String() }), { minItems: 1 });
const StatusSchema = Type.Object({ status: Type.String() });
const CapabilitiesSchema = Type.Array(Type.Object({ capability: Type.String(), state: Type.Boolean() }));

export async function describeMachine(qmp: QmpClient, options?: QmpOptions): Promise<MachineDescription> {
  const typeOf = (path: string): Promise<string> =>
    qmp.executeAs(Type.String(), 'qom-get', { path, property: 'type' }, options);

  const machineType = await typeOf('/machine');
  const kvm = await qmp.executeAs(KvmSchema, 'query-kvm', undefined, options);
  const cpus = await qmp.executeAs(CpusSchema, 'query-cpus-fast', undefined, options);
  const status = await qmp.executeAs(StatusSchema, 'query-status', undefined, options);
  const migration = await migrationStanding(qmp, options);
  const capabilities = await qmp.executeAs(
    CapabilitiesSchema,
    'query-migrate-capabilities',
    undefined,
    options,
  );
  const blocks = await readRamBlocks(qmp, options);
  return {
    version: formatVersion(qmp.greeting),
    machineType: machineType.replace(/-machine$/, ''),
    accelerator: kvm.enabled ? 'kvm' : 'tcg',
    cpuType: await typeOf(cpus[0]?.['qom-path'] ?? ''),
    vcpus: cpus.length,
    runState: status.status,
    migrationStatus: migration.status,
    blockedReasons: [...migration.blockedReasons],
    ramBlocks: blocks.map(({ name, usedLength, totalLength, pageSize }) => ({
      name,
      length: usedLength,
      maxLength: totalLength,
      pageSize,
    })),
    capabilities: Object.fromEntries(capabilities.map(({ capability, state }) => [capability, state])),
  };
}
