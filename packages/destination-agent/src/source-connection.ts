import type { PeerConnection } from '@pageferry/link';
import type { ConnectionContents } from './connection-contents.js';

/** A source's connection for one migration. */
export interface SourceConnection {
  readonly peer: PeerConnection;
  /** What came over the connection that this one is a channel of, if it is. */
  readonly contents: ConnectionContents | undefined;
}
