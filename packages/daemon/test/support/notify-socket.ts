import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from './temporary-directory.js';

// Node has no datagram sockets in the file system; every Debian has perl.
const RECEIVER = `
  use Socket;
  $| = 1;
  socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die;
  bind($socket, sockaddr_un($ARGV[0])) or die;
  print "listening\\n";
  my $message;
  print "$message\\n" while defined recv($socket, $message, 65536, 0);
`;

/** What systemd would be to a daemon that is started with `NOTIFY_SOCKET` set to `path`. */
export interface NotifySocket {
  readonly path: string;
  /** Every assignment that has been received. */
  readonly received: () => string[];
  /** Resolves once an assignment has been received. */
  readonly hears: (assignment: string) => Promise<void>;
}

export async function listenAsServiceManager(): Promise<NotifySocket> {
  const path = join(await temporaryDirectory(), 'notify');
  const receiver = spawn('perl', ['-e', RECEIVER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    receiver.kill('SIGKILL');
  });
  let text = '';
  receiver.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const lines = (): string[] => text.split('\n').slice(0, -1);
  const shows = async (line: string): Promise<void> => {
    while (!lines().includes(line)) await once(receiver.stdout, 'data');
  };
  await shows('listening');
  return { path, received: () => lines().slice(1), hears: shows };
}
