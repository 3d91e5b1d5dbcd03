import { existsSync, readFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { eventually, withDeadline } from '../environment/deadline.js';
import type { Host } from './host.js';

/** What is exported. */
export interface NbdImage {
  /** Files for the server are beside it. */
  readonly path: string;
  /** Clients see what is in the image, whatever its format is. */
  readonly format: 'raw' | 'qcow2';
  readonly readOnly?: boolean;
  /** Whatever is read fails; what is written is not. */
  readonly readsFail?: boolean;
}

export interface NbdExport {
  readonly url: string;
  /** Of the server. */
  readonly pid: number;
  /** Ends the server, and no other; may be called again. */
  close(): Promise<void>;
}

const exportName = 'disk';
const firstPort = 10_809;
const startDeadlineMs = 10_000;
const stopDeadlineMs = 10_000;

let served = 0;

/** Starts an NBD server on a host; any number of clients may use the export at the same time. */
export async function serveByNbd(host: Host, image: NbdImage): Promise<NbdExport> {
  const { path, readOnly } = image;
  const number = ++served;
  const port = host.networkNamespace === undefined ? await freePort(host.address) : firstPort + number;
  const [pidFile, logFile] = [`${path}.nbd-${number}.pid`, `${path}.nbd-${number}.log`];
  await rm(pidFile, { force: true });
  const log = await open(logFile, 'w');
  const server = await host.start(
    'qemu-nbd',
    [
      ...['--persistent', '--shared=0', `--export-name=${exportName}`],
      ...[`--bind=${host.address}`, `--port=${port}`, `--pid-file=${pidFile}`],
      ...['--discard=unmap', ...(readOnly === true ? ['--read-only'] : [])],
      ...imageArguments(image),
    ],
    { stdio: ['ignore', log.fd, log.fd] },
  );
  await log.close();
  const close = async (): Promise<void> => {
    // Asked to end, it writes back what it knows of a qcow2 image.
    server.process.kill('SIGTERM');
    await withDeadline(server.exited, stopDeadlineMs, 'the end of the NBD server').catch(() =>
      server.process.kill('SIGKILL'),
    );
    await server.exited;
  };
  let over = false;
  void server.exited.then(() => (over = true));
  try {
    await eventually(
      () => {
        if (over) throw new Error(`the NBD server of ${path} ended: ${readFileSync(logFile, 'utf8')}`);
        // It is written when the server listens.
        return existsSync(pidFile);
      },
      startDeadlineMs,
      `the NBD server of ${path}`,
    );
  } catch (error) {
    await close();
    throw error;
  }
  return { url: `nbd://${host.address}:${port}/${exportName}`, pid: server.pid, close };
}

function imageArguments({ path, format, readsFail }: NbdImage): string[] {
  if (readsFail !== true) return [`--format=${format}`, path];
  const failing = ['file.inject-error.0.event=none', 'file.inject-error.0.iotype=read'];
  const file = ['file.driver=blkdebug', 'file.image.driver=file', `file.image.filename=${path}`];
  return ['--image-opts', [`driver=${format}`, ...file, ...failing].join(',')];
}

async function freePort(address: string): Promise<number> {
  const probe = createServer().listen(0, address);
  await once(probe, 'listening');
  const found = probe.address();
  probe.close();
  await once(probe, 'close');
  if (found === null || typeof found === 'string') throw new Error(`${address} has no free port`);
  return found.port;
}
