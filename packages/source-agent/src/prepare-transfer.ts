import { PageferryError } from '@pageferry/errors';
import { FrameKind, readHeader } from '@pageferry/wire';
import { awaitPreparation } from './await-preparation.js';
import { FlowControl } from './flow-control.js';
import { guestThere, type OutgoingContext } from './outgoing-context.js';
import type { PageFilter } from './page-filter/page-filter.js';
import type { SourceGuest } from './source-guest.js';
import { wantsStorage } from './request.js';
import { openStorage } from './storage/open-storage.js';
import { Transfer } from './transfer.js';

/**
 * Lets the destination look at the machine and prepare its QEMU for it.
 * @param window that the destination allows, bytes
 */
export async function prepareTransfer(
  context: OutgoingContext,
  guest: SourceGuest,
  filter: PageFilter,
  window: number,
): Promise<Transfer> {
  const { request, configuration, link, route, journal, progress, signal } = context;
  const { mode } = request;
  const { peer } = link;
  const storage = wantsStorage(request);
  await peer.send({ type: 'prepare', guest: guestThere(request), mode, machine: guest.machine, storage });
  const { disks } = await awaitPreparation(peer, 'prepared', configuration, signal);
  const { wasRunning, identity } = guest;
  const { startedAt } = progress;
  await journal.record({ event: 'started', request, wasRunning, qemu: identity, startedAt });
  const flow = new FlowControl(link.carrier, Math.min(window, configuration.windowBytes), signal, route.flow);
  const transfer = new Transfer(guest, flow, filter, configuration.sentPagesBytes);
  transfer.sender.hint = route.findHint?.({ name: request.guest, identity, layout: guest.layout });
  transfer.referTo(link);
  if (storage) await openStorage(transfer, disks ?? [], context);
  transfer.pending.fill();
  progress.remainingPages = guest.layout.pageCount;
  peer.onFrame = (frame) => {
    const header = readHeader(frame);
    if (header.kind === FrameKind.settled && transfer.storage !== undefined) {
      transfer.storage.settled(frame, header);
      return;
    }
    if (header.kind !== FrameKind.ack) {
      throw new PageferryError('protocol-violation', `the destination sent a frame of kind ${header.kind}`);
    }
    flow.acknowledge(header.sequence);
  };
  return transfer;
}
