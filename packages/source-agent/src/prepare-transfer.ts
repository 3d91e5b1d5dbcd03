import { PageferryError } from '@pageferry/errors';
import { FrameKind, readHeader } from '@pageferry/wire';
import { awaitPreparation } from './await-preparation.js';
import { FlowControl } from './flow-control.js';
import { guestThere, type OutgoingContext } from './outgoing-context.js';
import type { PageFilter } from './page-filter/page-filter.js';
import type { SourceGuest } from './source-guest.js';
import { Transfer } from './transfer.js';

/**
 * Lets the destination look at the machine and prepare its QEMU for it.
 * @param window that the destination allows, bytes
 */
export async function prepareTransfer(
  { request, configuration, link, route, journal, progress, signal }: OutgoingContext,
  guest: SourceGuest,
  filter: PageFilter,
  window: number,
): Promise<Transfer> {
  const { mode } = request;
  const { peer } = link;
  await peer.send({ type: 'prepare', guest: guestThere(request), mode, machine: guest.machine });
  await awaitPreparation(peer, 'prepared', configuration, signal);
  const { wasRunning, identity } = guest;
  const { startedAt } = progress;
  await journal.record({ event: 'started', request, wasRunning, qemu: identity, startedAt });
  const flow = new FlowControl(link.carrier, Math.min(window, configuration.windowBytes), signal, route.flow);
  const transfer = new Transfer(guest, flow, filter, configuration.sentPagesBytes);
  transfer.referTo(link);
  transfer.pending.fill();
  progress.remainingPages = guest.layout.pageCount;
  peer.onFrame = (frame) => {
    const header = readHeader(frame);
    if (header.kind !== FrameKind.ack) {
      throw new PageferryError('protocol-violation', `the destination sent a frame of kind ${header.kind}`);
    }
    flow.acknowledge(header.sequence);
  };
  return transfer;
}
