import { PageferryError } from '@pageferry/errors';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, test } from 'vitest';
import { RecordStream } from '../../src/dirty-log/record-stream.js';
import { VM_FILE_MAGIC, VM_FILE_VERSION } from '../../src/stream/constants.js';
import { expectError } from '../support/expect-error.js';

const signal = new AbortController().signal;
const head = Buffer.alloc(8);
head.writeUInt32BE(VM_FILE_MAGIC, 0);
head.writeUInt32BE(VM_FILE_VERSION, 4);

/** A stream, and the end of it that QEMU would write to. */
async function openStream(): Promise<{ stream: RecordStream; qemu: Socket }> {
  const folder = await mkdtemp(join(tmpdir(), 'pageferry-stream-'));
  const server = createServer({ pauseOnConnect: true });
  server.listen(join(folder, 'socket'));
  await once(server, 'listening');
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const qemu = connect(join(folder, 'socket'));
  const stream = new RecordStream();
  stream.open(await accepted);
  onTestFinished(async () => {
    stream.close(new PageferryError('dirty-log', 'the test is over'));
    qemu.destroy();
    server.close();
    await rm(folder, { recursive: true });
  });
  return { stream, qemu };
}

test('a guest that was stopped and runs again by the time that QEMU is asked is read', async () => {
  const { stream, qemu } = await openStream();
  stream.guestRuns(false);
  stream.guestRuns(true);
  qemu.write(head);
  await stream.read({ signal, done: (bytes) => bytes === head.length });
});

test('of a guest that someone has stopped only the end is read', async () => {
  const { stream, qemu } = await openStream();
  const reading = stream.read({ signal, done: () => false });
  stream.guestRuns(false);
  await expectError(reading, 'dirty-log', 'stopped by someone else');
  await expectError(stream.read({ signal, done: () => false }), 'dirty-log', 'stopped by someone else');
  qemu.write(head);
  await stream.read({ signal, finishing: true, done: (bytes) => bytes === head.length });
});

test('whoever reads a stream that is closed gets the error that it was closed with, now and later', async () => {
  const { stream } = await openStream();
  const reading = stream.read({ signal, done: () => false });
  stream.close(new PageferryError('dirty-log', 'the dirty log was closed'));
  await expectError(reading, 'dirty-log', 'the dirty log was closed');
  await expectError(stream.read({ signal, done: () => true }), 'dirty-log', 'the dirty log was closed');
});
