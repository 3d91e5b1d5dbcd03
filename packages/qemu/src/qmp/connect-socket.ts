import { asPageferryError, PageferryError } from '@pageferry/errors';
import { connect, type Socket } from 'node:net';

/** Longest path of a unix socket on Linux, in bytes: sun_path is 108 with its zero. Node cuts longer ones off. */
const MAX_PATH_LENGTH = 107;

/** @throws `qmp-unreachable`, which says what to do about it */
export async function connectSocket(
  path: string,
  { signal, timeoutMs }: { readonly signal: AbortSignal | undefined; readonly timeoutMs: number },
): Promise<Socket> {
  if (path === '' || Buffer.byteLength(path) > MAX_PATH_LENGTH) {
    throw unreachable(path, `a path has 1 to ${MAX_PATH_LENGTH} bytes`);
  }
  if (signal?.aborted === true) throw asPageferryError(signal.reason, 'cancelled');

  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      socket.off('connect', onConnect);
    };
    const fail = (error: PageferryError): void => {
      settle();
      // A destroyed socket may still report the error that it was destroyed for.
      socket.on('error', () => undefined);
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => {
      fail(asPageferryError(signal?.reason, 'cancelled'));
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      fail(unreachable(path, wayOut(error), error));
    };
    const onConnect = (): void => {
      settle();
      resolve(socket);
    };
    const timer = setTimeout(() => {
      fail(new PageferryError('qmp-timeout', `${path} did not accept the connection within ${timeoutMs} ms`));
    }, timeoutMs);

    signal?.addEventListener('abort', onAbort);
    socket.once('error', onError);
    socket.once('connect', onConnect);
  });
}

function unreachable(path: string, why: string, cause?: unknown): PageferryError {
  return new PageferryError('qmp-unreachable', `the QMP socket ${JSON.stringify(path)}: ${why}`, { cause });
}

function wayOut(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return 'there is no such socket; is the path right, and was QEMU started with -qmp unix:PATH,server=on,wait=off?';
    case 'ECONNREFUSED':
      return 'nobody listens on it: the QEMU that made it is gone, or it is not a socket; start QEMU again';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied: the agent must run as a user that may write to it';
    case 'EAGAIN':
      return 'too many clients wait for it already; close the one that is connected';
    default:
      return error.message;
  }
}
