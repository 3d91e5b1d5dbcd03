import fc from 'fast-check';

/** Where to cut a stream, in any order, as shares of its length: some chunks are empty. */
export const cutsArbitrary = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 });

/** The stream in chunks that share no memory with it or with each other. */
export function cut(stream: Buffer, cuts: readonly number[]): Buffer[] {
  const edges = cuts.map((share) => Math.floor(share * stream.length)).sort((a, b) => a - b);
  return [...edges, stream.length].map((end, index) =>
    Buffer.from(stream.subarray(index === 0 ? 0 : edges[index - 1], end)),
  );
}
