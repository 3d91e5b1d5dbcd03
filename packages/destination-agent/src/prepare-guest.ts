import { mkdir } from 'node:fs/promises';
import { Value } from '@sinclair/typebox/value';
import { PageferryError, asPageferryError } from '@pageferry/errors';
import {
  IncomingSession,
  MachineDescriptionSchema,
  MigrationSettings,
  QmpClient,
  compareMachines,
  describeMachine,
  processIdentity,
  requireSupportedVersion,
  type MachineDescription,
} from '@pageferry/qemu';
import { PageLayout } from '@pageferry/transfer';
import type { ComparedDisk, ControlOf, MigrationMode } from '@pageferry/wire';
import type { WaitingQemu } from './drivers/driver.js';
import type { IncomingContext } from './incoming-context.js';
import { IncomingGuest, quitUnusable } from './incoming-guest.js';
import { IncomingMonitor } from './incoming-monitor.js';
import { PageRequests } from './page-requests.js';
import { compareDisks } from './storage/compare-disks.js';
import { findDisks } from './storage/find-disks.js';

/** Compares the machines, journals that a guest comes in, and has QEMU read its stream. */
export async function prepareGuest(
  context: IncomingContext,
  prepare: ControlOf<'prepare'>,
): Promise<IncomingGuest> {
  const { signal } = context;
  const source = checkMachine(prepare.machine);
  const qemu = await provideQemu(context, prepare);
  try {
    const monitor = await IncomingMonitor.connect(qemu.socket, { signal });
    try {
      await preflight(monitor.qmp, source, prepare, signal);
      return await openIncoming(context, qemu, monitor, source, prepare);
    } catch (thrown) {
      await monitor.close();
      throw thrown;
    }
  } catch (thrown) {
    await qemu.release();
    throw thrown;
  }
}

/** The journal says that a QEMU is started before it is. */
async function provideQemu(
  { driver, journal, signal }: IncomingContext,
  { guest, mode }: Pick<ControlOf<'prepare'>, 'guest' | 'mode'>,
): Promise<WaitingQemu> {
  if (driver.starts) await journal.record({ event: 'starting', guest, mode });
  return driver.provide(guest, signal);
}

async function preflight(
  qmp: QmpClient,
  source: MachineDescription,
  { mode }: ControlOf<'prepare'>,
  signal: AbortSignal,
): Promise<void> {
  requireSupportedVersion(qmp.greeting);
  const { findings } = await compare(qmp, source, mode, signal);
  if (findings.length > 0) {
    throw new PageferryError('preflight-failed', findings.join('; '), { findings: [...findings] });
  }
}

/** What a dry run finds: QEMU, and its settings, are afterwards as they were before; one that was started is gone. */
export async function examineGuest(
  context: IncomingContext,
  examine: ControlOf<'examine'>,
): Promise<Examination> {
  const { configuration, signal } = context;
  const source = checkMachine(examine.machine);
  const qemu = await provideQemu(context, examine);
  try {
    const qmp = await QmpClient.connect(qemu.socket, { signal });
    try {
      const comparison = await compare(qmp, source, examine.mode, signal);
      const { disks } = examine;
      if (disks === undefined || !configuration.storage) return comparison;
      return { ...comparison, disks: await compareDisks(context, qmp, disks) };
    } finally {
      qmp.close();
    }
  } finally {
    await qemu.release();
  }
}

/** All that keeps the guest from coming in, and what it was compared with. */
export interface Comparison {
  readonly findings: readonly string[];
  readonly machine: MachineDescription;
}

/** What a dry run is answered. */
export interface Examination extends Comparison {
  /** Of the guest's, if this host reads any. */
  readonly disks?: ComparedDisk[];
}

async function compare(
  qmp: QmpClient,
  source: MachineDescription,
  mode: MigrationMode,
  signal: AbortSignal,
): Promise<Comparison> {
  const postcopy = mode !== 'precopy';
  const machine = await describeMachine(qmp, { signal });
  const findings = compareMachines(source, machine, { postcopy });
  if (postcopy && findings.length === 0) findings.push(...(await postcopyObstacles(qmp, signal)));
  return { findings, machine };
}

async function openIncoming(
  context: IncomingContext,
  waiting: WaitingQemu,
  monitor: IncomingMonitor,
  { machineType, ramBlocks }: MachineDescription,
  { guest, mode, storage }: ControlOf<'prepare'>,
): Promise<IncomingGuest> {
  const { configuration, journal, link, peers, states, log, directory, keeper, signal } = context;
  const { qmp } = monitor;
  const postcopy = mode !== 'precopy';
  const qemu = await processIdentity(qmp, { signal });
  const startedAt = states.history[0]?.at ?? Date.now();
  await journal.record({ event: 'preparing', guest, mode, blocks: ramBlocks, qemu, startedAt, peers });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const layout = new PageLayout(ramBlocks);
  log.info({ guest, mode, bytes: layout.bytes }, 'a guest is coming in');
  const requests = new PageRequests(layout, link);
  if (postcopy) await monitor.keep(keeper, log, signal);
  try {
    const session = await IncomingSession.open(qmp, {
      directory,
      machineType,
      blocks: ramBlocks,
      postcopy,
      signal,
      onRequest: requests.take,
    });
    return new IncomingGuest(context, {
      qemu: waiting,
      identity: qemu,
      monitor,
      session,
      layout,
      requests,
      disks: storage === true && configuration.storage ? await findDisks(context, qmp) : undefined,
    });
  } catch (thrown) {
    await quitUnusable(qmp).catch(() => undefined);
    throw thrown;
  }
}

/** Switching post-copy on makes QEMU look at its host's userfaultfd, and at its memory backends. */
async function postcopyObstacles(qmp: QmpClient, signal: AbortSignal): Promise<string[]> {
  try {
    const restore = await MigrationSettings.apply(
      qmp,
      { capabilities: { 'postcopy-ram': true } },
      { signal },
    );
    await restore();
    return [];
  } catch (thrown) {
    signal.throwIfAborted();
    return [
      `the destination QEMU cannot do post-copy: ${asPageferryError(thrown).message} (run it as root or set ` +
        'vm.unprivileged_userfaultfd=1, or migrate with the mode precopy)',
    ];
  }
}

function checkMachine(machine: unknown): MachineDescription {
  if (Value.Check(MachineDescriptionSchema, machine)) return machine;
  const first = Value.Errors(MachineDescriptionSchema, machine).First();
  throw new PageferryError(
    'protocol-violation',
    `the source describes its machine in a way that is not valid at "${first?.path ?? ''}"`,
  );
}
