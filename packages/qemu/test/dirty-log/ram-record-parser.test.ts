import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PageLayout } from '@pageferry/transfer';
import { RamRecordParser, type RamRecordSink } from '../../src/dirty-log/ram-record-parser.js';
import {
  RAM_PART_END,
  precopyTail,
  ramPartWithPage,
  streamHead,
  zeroPagesPart,
} from '../../src/stream/stream-writer.js';

const shapes = [
  { name: 'pc.ram', length: 16 * 4096, pageSize: 4096 },
  { name: 'pc.bios', length: 4 * 4096, pageSize: 4096 },
];
const layout = new PageLayout(shapes);
const [ram, bios] = layout.blocks;
if (ram === undefined || bios === undefined) throw new Error('the layout has two blocks');

const content = (fill: number): Buffer => Buffer.alloc(4096, fill);
const deviceState = Buffer.from('device sections, which nobody here looks into');

/** Two passes over a small guest: what our own writer makes, QEMU makes, too. */
const stream = Buffer.concat([
  streamHead('pc-i440fx-10.0', shapes, false),
  ...[ramPartWithPage(ram, 0), content(1), RAM_PART_END],
  zeroPagesPart(ram, 4096, 3),
  ...[ramPartWithPage(bios, 4096), content(2), RAM_PART_END],
  ...[ramPartWithPage(ram, 8192), content(3), RAM_PART_END],
  precopyTail(deviceState),
]);

class Recorder implements RamRecordSink {
  readonly target = Buffer.alloc(16 * 4096);
  readonly records: string[] = [];
  #pages = 0;

  page(block: number, address: number): number {
    this.records.push(`page ${block} ${address}`);
    return this.#pages++ * 4096;
  }

  zero(block: number, address: number): void {
    this.records.push(`zero ${block} ${address}`);
  }
}

function parse(chunks: readonly Buffer[]): { parser: RamRecordParser; recorder: Recorder } {
  const recorder = new Recorder();
  const parser = new RamRecordParser(recorder);
  for (const chunk of chunks) parser.push(chunk);
  return { parser, recorder };
}

const expected = ['page 0 0', 'zero 0 4096', 'zero 0 8192', 'zero 0 12288', 'page 1 4096', 'page 0 8192'];

test('reads blocks, records, contents, passes and device state', () => {
  const { parser, recorder } = parse([stream]);
  expect(parser.blocks).toEqual(shapes.map(({ name, length }) => ({ name, length })));
  expect(recorder.records).toEqual(expected);
  expect(recorder.target.subarray(0, 3 * 4096)).toEqual(Buffer.concat([content(1), content(2), content(3)]));
  expect(parser.passes).toBe(1);
  expect(parser.ramEnded).toBe(true);
  expect(parser.deviceSections(false)).toEqual(deviceState);
});

test('holds back what follows the block list until somebody takes it', () => {
  const recorder = new Recorder();
  const parser = new RamRecordParser(recorder, { holdAfterBlocks: true });
  parser.push(stream.subarray(0, 9000));
  expect(parser.blocks).toHaveLength(2);
  parser.push(stream.subarray(9000, 9100));
  expect(recorder.records).toEqual([]);
  parser.release();
  parser.push(stream.subarray(9100));
  expect(recorder.records).toEqual(expected);
});

test('reads the same however the stream is cut into chunks', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 40 }), (cuts) => {
      const edges = [0, ...[...cuts].sort((a, b) => a - b), stream.length];
      const chunks = edges.slice(1).map((end, index) => stream.subarray(edges[index], end));
      const { parser, recorder } = parse(chunks.map((chunk) => Buffer.from(chunk)));
      expect(recorder.records).toEqual(expected);
      expect(recorder.target.subarray(0, 3 * 4096)).toEqual(
        Buffer.concat([content(1), content(2), content(3)]),
      );
      expect(parser.deviceSections(false)).toEqual(deviceState);
    }),
  );
});

test('reads the same byte by byte', () => {
  const { recorder } = parse([...stream].map((byte) => Buffer.of(byte)));
  expect(recorder.records).toEqual(expected);
});

test('has no device state before its end has come, unless the stream has ended there', () => {
  const untilMark = stream.subarray(0, stream.lastIndexOf(Buffer.from('06', 'hex')));
  const { parser } = parse([Buffer.from(untilMark)]);
  expect(parser.deviceSections(false)).toBeUndefined();
  expect(parser.deviceSections(true)).toEqual(deviceState);
});

describe('what is no stream of ours', () => {
  test('is refused: a broken head', () => {
    expect(() => parse([Buffer.alloc(64, 7)])).toThrow(/does not begin like a migration stream/);
  });

  test('is refused: any garbage after the head, in finite time', () => {
    const head = streamHead('pc-i440fx-10.0', shapes, false);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 2000 }), (garbage) => {
        const parser = new RamRecordParser(new Recorder());
        parser.push(head);
        try {
          parser.push(Buffer.from(garbage));
        } catch (error) {
          expect(error).toMatchObject({ code: 'dirty-log' });
        }
      }),
    );
  });
});
