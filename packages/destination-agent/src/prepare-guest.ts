import { mkdir } from 'node:fs/promises';
import { Value } from '@sinclair/typebox/value';
import { guestSocketPath } from '@pageferry/daemon';
import { PageferryError, asPageferryError } from '@pageferry/errors';
import {
  IncomingSession,
  MachineDescriptionSchema,
  MigrationSettings,
  type QmpClient,
  compareMachines,
  describeMachine,
  processIdentity,
  requireSupportedVersion,
  type MachineDescription,
} from '@pageferry/qemu';
import { PageLayout } from '@pageferry/transfer';
import type { ControlOf } from '@pageferry/wire';
import type { IncomingContext } from './incoming-context.js';
import { IncomingGuest, quitUnusable } from './incoming-guest.js';
import { IncomingMonitor } from './incoming-monitor.js';
import { PageRequests } from './page-requests.js';

/** Compares the machines, journals that a guest comes in, and has QEMU read its stream. */
export async function prepareGuest(
  context: IncomingContext,
  prepare: ControlOf<'prepare'>,
): Promise<IncomingGuest> {
  const { configuration, signal } = context;
  const source = checkMachine(prepare.machine);
  const path = guestSocketPath(configuration.guestDirectory, prepare.guest);
  const monitor = await IncomingMonitor.connect(path, { signal });
  try {
    await preflight(monitor.qmp, source, prepare, signal);
    return await openIncoming(context, monitor, source, prepare);
  } catch (thrown) {
    await monitor.close();
    throw thrown;
  }
}

async function preflight(
  qmp: QmpClient,
  source: MachineDescription,
  { mode }: ControlOf<'prepare'>,
  signal: AbortSignal,
): Promise<void> {
  const postcopy = mode !== 'precopy';
  requireSupportedVersion(qmp.greeting);
  const findings = compareMachines(source, await describeMachine(qmp, { signal }), { postcopy });
  if (postcopy && findings.length === 0) findings.push(...(await postcopyObstacles(qmp, signal)));
  if (findings.length > 0) {
    throw new PageferryError('preflight-failed', findings.join('; '), { findings });
  }
}

async function openIncoming(
  context: IncomingContext,
  monitor: IncomingMonitor,
  { machineType, ramBlocks }: MachineDescription,
  { guest, mode }: ControlOf<'prepare'>,
): Promise<IncomingGuest> {
  const { journal, link, log, directory, keeper, signal } = context;
  const { qmp } = monitor;
  const postcopy = mode !== 'precopy';
  const qemu = await processIdentity(qmp, { signal });
  await journal.record({ event: 'preparing', guest, mode, blocks: ramBlocks, qemu });
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
    return new IncomingGuest(context, { monitor, session, layout, requests });
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
