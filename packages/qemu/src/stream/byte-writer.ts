const TWO_TO_32 = 2 ** 32;

/** Builds a piece of QEMU's stream: big-endian integers and bytes, one after the other. */
export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(initialBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(initialBytes);
  }

  u8(value: number): this {
    const at = this.#reserve(1);
    this.#buffer.writeUInt8(value, at);
    return this;
  }

  u16(value: number): this {
    const at = this.#reserve(2);
    this.#buffer.writeUInt16BE(value, at);
    return this;
  }

  u32(value: number): this {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32BE(value, at);
    return this;
  }

  /** A u64; `value` is below 2^53. */
  u64(value: number): this {
    const at = this.#reserve(8);
    this.#buffer.writeUInt32BE(Math.floor(value / TWO_TO_32), at);
    this.#buffer.writeUInt32BE(value % TWO_TO_32, at + 4);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#reserve(value.length);
    this.#buffer.set(value, at);
    return this;
  }

  /** One byte with the length, then the text, as QEMU writes names. */
  countedString(value: string): this {
    const text = Buffer.from(value, 'utf8');
    if (text.length > 255)
      throw new RangeError(`a name of ${text.length} bytes does not fit into QEMU's stream`);
    return this.u8(text.length).bytes(text);
  }

  toBuffer(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(0, at));
      this.#buffer = larger;
    }
    return at;
  }
}
