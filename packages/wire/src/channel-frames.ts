import { PageferryError } from '@pageferry/errors';
import { FrameKind, HEADER_BYTES } from './frame-header.js';

/** Kinds that there are only on a connection with channels; see PROTOCOL.md. */
const CHANNEL_CONTROL = 0x02;
const CHANNEL_END = 0x03;

/** Before the message: kind and channel. */
const CONTROL_PREFIX_BYTES = 3;
/** Of every other frame's header. */
const CHANNEL_OFFSET = 2;
const END_BYTES = 5;
/** Channels are numbered from 1 in the order of their opening, and no number is used again. */
export const LAST_CHANNEL = 0xffff;

/** What came over a channel. */
export type ChannelFrame =
  | { readonly channel: number; readonly frame: Buffer }
  /** The other side has closed it, with a WebSocket status. */
  | { readonly channel: number; readonly status: number };

/** The frame as it goes over a channel; but for control messages the same memory. */
export function toChannel(frame: Buffer, channel: number): Buffer {
  if (frame[0] === FrameKind.control) {
    const prefixed = Buffer.allocUnsafe(CONTROL_PREFIX_BYTES + frame.length);
    prefixed[0] = CHANNEL_CONTROL;
    prefixed.writeUInt16BE(channel, 1);
    prefixed.set(frame, CONTROL_PREFIX_BYTES);
    return prefixed;
  }
  frame.writeUInt16BE(channel, CHANNEL_OFFSET);
  return frame;
}

/** Says that a channel is closed, and with which WebSocket status. */
export function channelEnd(channel: number, status: number): Buffer {
  const frame = Buffer.allocUnsafe(END_BYTES);
  frame[0] = CHANNEL_END;
  frame.writeUInt16BE(channel, 1);
  frame.writeUInt16BE(status, 3);
  return frame;
}

/** What a frame from a connection with channels says, in the same memory. Error: `protocol-violation`. */
export function fromChannel(bytes: Buffer): ChannelFrame {
  const kind = bytes[0];
  if (kind === CHANNEL_END && bytes.length === END_BYTES)
    return { channel: bytes.readUInt16BE(1), status: bytes.readUInt16BE(3) };
  if (kind === CHANNEL_CONTROL && bytes.length > CONTROL_PREFIX_BYTES)
    return { channel: bytes.readUInt16BE(1), frame: bytes.subarray(CONTROL_PREFIX_BYTES) };
  if (
    kind === FrameKind.control ||
    kind === CHANNEL_CONTROL ||
    kind === CHANNEL_END ||
    bytes.length < HEADER_BYTES
  )
    throw new PageferryError(
      'protocol-violation',
      'a frame without a channel arrived where channels are used',
    );
  const channel = bytes.readUInt16BE(CHANNEL_OFFSET);
  bytes.writeUInt16BE(0, CHANNEL_OFFSET);
  return { channel, frame: bytes };
}
