/** Where the destination agent serves the stream. */
export const STREAM_PATH = '/v1/stream';
/** The WebSocket subprotocol. */
export const SUBPROTOCOL = 'pageferry';
/** The subprotocol of a connection with channels. */
export const SHARED_SUBPROTOCOL = 'pageferry-shared';
/** Each side sends a WebSocket ping after this many ms. */
export const PING_INTERVAL_MS = 2_000;
/** A connection on which nothing at all arrived for this many ms is taken for broken. */
export const SILENCE_LIMIT_MS = 10_000;
