import type { PeerConnection } from '@pageferry/link';
import type { ContentStore } from '@pageferry/transfer';

/** A source's connection for one migration. */
export interface SourceConnection {
  readonly peer: PeerConnection;
  /** What came over the connection that this one is a channel of, if it is. */
  readonly contents: ContentStore | undefined;
}
