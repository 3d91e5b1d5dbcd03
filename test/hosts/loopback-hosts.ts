import { Host } from './host.js';
import type { Hosts } from './hosts.js';

/** Both hosts are this one, told apart by their addresses. */
export function loopbackHosts(): Hosts {
  return {
    source: new Host({ address: '127.0.0.1', networkInterface: 'lo' }),
    destination: new Host({ address: '127.0.0.2', networkInterface: 'lo' }),
    shape: (megabitsPerSecond) =>
      megabitsPerSecond === undefined
        ? Promise.resolve()
        : Promise.reject(new Error('a shaped link takes network namespaces, and these take root')),
    connect: (connected) =>
      connected
        ? Promise.resolve()
        : Promise.reject(new Error('a link with a plug takes network namespaces, and these take root')),
    close: () => Promise.resolve(),
  };
}
