import { PageSet } from '@pageferry/transfer';
import type { DestinationLink } from './destination-link.js';
import type { FlowControl } from './flow-control.js';
import type { PageFilter } from './page-filter/page-filter.js';
import { PageSender } from './page-sender.js';
import type { PostcopySender } from './postcopy.js';
import type { SourceGuest } from './source-guest.js';
import type { StorageSender } from './storage/storage-sender.js';
import type { UnknownGuest } from './storage/unknown-guest.js';

/** Both ends of the way that the pages take, from the preflight on. */
export class Transfer {
  readonly guest: SourceGuest;
  readonly flow: FlowControl;
  readonly sender: PageSender;
  /** Pages that the destination lacks, or has in an old version; none at first. */
  readonly pending: PageSet;
  readonly filter: PageFilter;
  /** If pages may come from disks that both hosts share. */
  storage: StorageSender | undefined;
  /** And if the guest cannot be looked into. */
  unknownGuest: UnknownGuest | undefined;
  /** Once the rest goes by post-copy. */
  postcopy: PostcopySender | undefined;

  /** @param sentPagesBytes see `PageSender` */
  constructor(guest: SourceGuest, flow: FlowControl, filter: PageFilter, sentPagesBytes: number) {
    this.filter = filter;
    this.guest = guest;
    this.flow = flow;
    this.sender = new PageSender(guest.layout, guest.memory, flow, sentPagesBytes);
    this.pending = new PageSet(guest.layout);
  }

  /** Pages are sent as references to what the link's destination has already, if it keeps anything. */
  referTo({ contents }: Pick<DestinationLink, 'contents'>): void {
    this.sender.referTo(contents);
  }

  /** Goes on over a new connection, with what the destination says that it lacks. */
  goOn(link: DestinationLink, missing: PageSet): void {
    const { peer } = link;
    this.flow.reconnect(link.carrier);
    this.referTo(link);
    // The destination has forgotten what it was to restore.
    this.storage?.giveUp(() => undefined);
    this.pending.clear();
    this.pending.addAll(missing);
    this.postcopy?.serve(peer);
  }
}
