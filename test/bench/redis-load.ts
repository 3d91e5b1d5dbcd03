import { readFile } from 'node:fs/promises';
import { programFiles, programFolders } from '../environment/debian-programs.js';
import { ensureEnvironment } from '../environment/install.js';
import { source } from '../environment/paths.js';
import { redis } from '../environment/redis.js';
import { extendInitramfs } from '../guests/initramfs.js';
import type { Load } from './load.js';

/** Beside the server, memory that verifies itself. */
const fillMiB = 64;
/** For an emulated processor to fill the server, or to check it. */
const timeoutMs = 120_000;

const scripts = ['start.sh', 'check.sh', 'work.sh'] as const;
const luaScripts = ['fill.lua', 'check.lua'] as const;

const read = (name: string): Promise<Buffer> => readFile(source('bench', 'redis', name));

/** The usual first file system with Redis and the scripts in it. */
async function buildInitramfs(): Promise<string> {
  const { initramfs } = await ensureEnvironment();
  const files = await programFiles(redis, console.error);
  for (const name of scripts) files.set(`redis/${name}`, await read(name));
  const values = await read('values.lua');
  for (const name of luaScripts) files.set(`redis/${name}`, Buffer.concat([values, await read(name)]));
  return extendInitramfs(initramfs, [...programFolders, 'redis'], files);
}

export interface RedisLoadOptions {
  /** Between short bursts of commands; without it the clients never pause. */
  readonly pauseSeconds?: number;
}

/** A Redis server and its clients; the work is counted in commands. */
export function redisLoad({ pauseSeconds }: RedisLoadOptions = {}): Load {
  const pace =
    pauseSeconds === undefined
      ? 'as fast as the processor lets them'
      : `500 each and then a pause of ${pauseSeconds} s, as every processor is shared by several guests`;
  return {
    description:
      "Debian's `redis-server` with 131072 keys of 768 and 1000 bytes, and two of `redis-benchmark` in the same guest, " +
      `which set and get random ones, 8 at a time, ${pace}; afterwards the value of every key is checked. ` +
      `Besides, ${fillMiB} MiB of incompressible pages, none rewritten`,
    ...(pauseSeconds !== undefined && { usualWorkMs: 5000 * pauseSeconds }),
    hardware: async () => ({ initramfs: await buildInitramfs() }),
    start: async ({ workload }) => {
      await workload.fill(fillMiB);
      const status = await workload.shell(`/redis/start.sh ${pauseSeconds ?? ''}`, timeoutMs);
      if (status !== 0) throw new Error(`Redis did not start in the guest: status ${status}`);
    },
    work: async ({ workload }) => Number(await workload.output('/redis/work.sh', timeoutMs)),
    check: async ({ workload }) => {
      const wrongKeys = Number(await workload.output('/redis/check.sh', timeoutMs));
      const { errors } = await workload.check();
      return errors + wrongKeys;
    },
  };
}
