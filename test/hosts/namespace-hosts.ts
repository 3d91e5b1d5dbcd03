import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import process, { getuid } from 'node:process';
import { onExit } from '../environment/on-exit.js';
import { run, searchPath, succeeds } from '../environment/run.js';
import { Host } from './host.js';
import type { Hosts } from './hosts.js';

const prefix = 'pageferry-';
const networkInterface = 'eth0';
// Namespaces do not see each other: every pair can have the same addresses.
const addresses = { source: '10.77.0.1', destination: '10.77.0.2' } as const;
/** Of the shaped link's queue; a TCP stream keeps itself far below, so nothing is dropped. */
const queueMs = 100;
/** What the link may send at once: several of the largest packets of TCP segmentation offload. */
const burstBytes = 256 * 1024;

let pairs = 0;

/** Whether this process may create network namespaces. */
export async function namespacesAvailable(): Promise<boolean> {
  return getuid?.() === 0 && (await succeeds('ip', ['netns', 'list']));
}

/** Removes what a killed process has left behind. */
async function removeStale(): Promise<void> {
  const listing = await run('ip', ['netns', 'list']);
  for (const line of listing.split('\n')) {
    const name = line.split(' ')[0] ?? '';
    const owner = /^pageferry-(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) await succeeds('ip', ['netns', 'delete', name]);
  }
}

async function connect(source: string, destination: string): Promise<void> {
  const ends = { [source]: addresses.source, [destination]: addresses.destination };
  await run('ip', [
    ...['-n', source, 'link', 'add', networkInterface, 'type', 'veth'],
    ...['peer', 'name', networkInterface, 'netns', destination],
  ]);
  for (const [namespace, address] of Object.entries(ends)) {
    await run('ip', ['-n', namespace, 'address', 'add', `${address}/24`, 'dev', networkInterface]);
    await run('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
    await run('ip', ['-n', namespace, 'link', 'set', networkInterface, 'up']);
  }
}

async function shape(namespace: string, megabitsPerSecond: number | undefined): Promise<void> {
  const root = ['dev', networkInterface, 'root'];
  if (megabitsPerSecond === undefined) {
    // Fails where there was no limit.
    await succeeds('tc', ['-n', namespace, 'qdisc', 'delete', ...root]);
    return;
  }
  const limit = ['rate', `${megabitsPerSecond}mbit`, 'burst', String(burstBytes), 'latency', `${queueMs}ms`];
  await run('tc', ['-n', namespace, 'qdisc', 'replace', ...root, 'tbf', ...limit]);
}

/** Two network namespaces joined by a veth pair; gone at the latest when this process ends. */
export async function namespaceHosts(): Promise<Hosts> {
  await removeStale();
  const pair = `${prefix}${process.pid}-${++pairs}`;
  const names = [`${pair}-source`, `${pair}-destination`] as const;
  const forget = onExit(() => {
    for (const name of names) {
      if (existsSync(`/run/netns/${name}`)) {
        execFileSync('ip', ['netns', 'delete', name], { env: { ...process.env, PATH: searchPath } });
      }
    }
  });
  const remove = async (): Promise<void> => {
    // The veth pair goes with its namespaces.
    for (const name of names) await succeeds('ip', ['netns', 'delete', name]);
    forget();
  };
  try {
    for (const name of names) await run('ip', ['netns', 'add', name]);
    await connect(...names);
  } catch (error) {
    await remove();
    throw error;
  }
  const hosts = {
    source: new Host({ address: addresses.source, networkInterface, networkNamespace: names[0] }),
    destination: new Host({ address: addresses.destination, networkInterface, networkNamespace: names[1] }),
  };
  return {
    ...hosts,
    shape: async (megabitsPerSecond) => {
      for (const name of names) await shape(name, megabitsPerSecond);
    },
    connect: async (connected) => {
      const state = connected ? 'up' : 'down';
      await run('ip', ['-n', names[0], 'link', 'set', networkInterface, state]);
    },
    close: async () => {
      await hosts.source.close();
      await hosts.destination.close();
      await remove();
    },
  };
}
