import fc from 'fast-check';
import { expect, test } from 'vitest';
import { streamEvents, type StreamEvent } from '../../browser/api/event-stream.js';

function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

async function eventsOf(chunks: readonly Uint8Array[]): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const { id, event, data } of streamEvents(streamOf(chunks))) events.push({ id, event, data });
  return events;
}

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort(
    (one, other) => one - other,
  );
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

test('events arrive whole wherever the connection cuts them', async () => {
  const event = fc.record({
    id: fc.nat().map(String),
    event: fc.constantFrom('state', 'progress', 'end'),
    data: fc.record({ text: fc.string({ unit: 'grapheme' }) }).map((value) => JSON.stringify(value)),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(event), fc.array(fc.nat()), async (events, places) => {
      const text = events
        .map(({ id, event: name, data }) => `:\n\nid: ${id}\nevent: ${name}\ndata: ${data}\n\n`)
        .join('');
      expect(await eventsOf(cut(new TextEncoder().encode(text), places))).toEqual(events);
    }),
  );
});

test('whatever else arrives is no event, or text', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array()), async (chunks) => {
      for (const { data } of await eventsOf(chunks)) expect(typeof data).toBe('string');
    }),
  );
});

test('an event that does not end is not gathered without a limit', async () => {
  const chunk = new TextEncoder().encode(`data: ${'x'.repeat(1 << 20)}`);
  await expect(eventsOf(Array.from({ length: 20 }, () => chunk))).rejects.toThrow();
});

test('whoever stops reading ends the stream', async () => {
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('data: 1\n\n'));
    },
    cancel() {
      cancelled = true;
    },
  });
  for await (const { data } of streamEvents(stream)) {
    expect(data).toBe('1');
    break;
  }
  expect(cancelled).toBe(true);
});
