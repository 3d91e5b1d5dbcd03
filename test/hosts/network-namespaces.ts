import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import process, { getuid } from 'node:process';
import { onExit } from '../environment/on-exit.js';
import { run, searchPath, succeeds } from '../environment/run.js';

const prefix = 'pageferry-';
/** Of a shaped link's queue; a TCP stream keeps itself far below, so nothing is dropped. */
const queueMs = 100;
/** What a link may send at once: several of the largest packets of TCP segmentation offload. */
const burstBytes = 256 * 1024;

let added = 0;

/** Whether this process may create network namespaces. */
export async function namespacesAvailable(): Promise<boolean> {
  return getuid?.() === 0 && (await succeeds('ip', ['netns', 'list']));
}

/** Removes what a killed process has left behind. */
export async function removeStaleNamespaces(): Promise<void> {
  const listing = await run('ip', ['netns', 'list']);
  for (const line of listing.split('\n')) {
    const name = line.split(' ')[0] ?? '';
    const owner = /^pageferry-(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) await succeeds('ip', ['netns', 'delete', name]);
  }
}

/** A network namespace of this process. */
export interface Namespace {
  readonly name: string;
  /** Also takes away the links that end in it. */
  remove(): Promise<void>;
}

/** Adds a namespace; it is gone at the latest when this process ends. */
export async function addNamespace(role: string): Promise<Namespace> {
  const name = `${prefix}${process.pid}-${++added}-${role}`;
  const forget = onExit(() => {
    if (!existsSync(`/run/netns/${name}`)) return;
    execFileSync('ip', ['netns', 'delete', name], { env: { ...process.env, PATH: searchPath } });
  });
  const remove = async (): Promise<void> => {
    await succeeds('ip', ['netns', 'delete', name]);
    forget();
  };
  try {
    await run('ip', ['netns', 'add', name]);
    await run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    return { name, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** One end of a link. */
export interface LinkEnd {
  readonly namespace: string;
  readonly networkInterface: string;
  /** As `ip address add` takes it: `10.77.0.1/24`, or an address, `peer`, and the other end's. */
  readonly address: readonly string[];
}

/** Joins two namespaces by a veth pair. */
export async function joinNamespaces(one: LinkEnd, other: LinkEnd): Promise<void> {
  await run('ip', [
    ...['-n', one.namespace, 'link', 'add', one.networkInterface, 'type', 'veth'],
    ...['peer', 'name', other.networkInterface, 'netns', other.namespace],
  ]);
  for (const { namespace, networkInterface, address } of [one, other]) {
    await run('ip', ['-n', namespace, 'address', 'add', ...address, 'dev', networkInterface]);
    await run('ip', ['-n', namespace, 'link', 'set', networkInterface, 'up']);
  }
}

/** Limits what leaves by an interface, 10^6 bits a second; undefined lifts the limit. */
export async function shapeInterface(
  { namespace, networkInterface }: Pick<LinkEnd, 'namespace' | 'networkInterface'>,
  megabitsPerSecond: number | undefined,
): Promise<void> {
  const root = ['dev', networkInterface, 'root'];
  if (megabitsPerSecond === undefined) {
    // Fails where there was no limit.
    await succeeds('tc', ['-n', namespace, 'qdisc', 'delete', ...root]);
    return;
  }
  const limit = ['rate', `${megabitsPerSecond}mbit`, 'burst', String(burstBytes), 'latency', `${queueMs}ms`];
  await run('tc', ['-n', namespace, 'qdisc', 'replace', ...root, 'tbf', ...limit]);
}
