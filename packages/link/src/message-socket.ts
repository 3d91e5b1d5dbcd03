type Sent = (error?: Error) => void;

/** What a connection stands on: a WebSocket of its own, or a channel of one that others use, too. */
export interface MessageSocket {
  on(event: 'message', listener: (data: unknown, isBinary: boolean) => void): unknown;
  on(event: 'ping' | 'pong', listener: () => void): unknown;
  on(event: 'error', listener: (cause: Error) => void): unknown;
  on(event: 'close', listener: (status: number) => void): unknown;
  send(data: Buffer, options: { binary: true; compress: false }, sent: Sent): void;
  ping(): void;
  close(status: number, reason?: string): void;
  terminate(): void;
}
