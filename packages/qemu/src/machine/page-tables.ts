import { humanMonitor } from '../qmp/human-monitor.js';
import type { QmpClient, QmpOptions } from '../qmp/qmp-client.js';

/** The register CR3 of each processor, which says where its page tables are, out of `info registers` (x86_cpu_dump_state in target/i386/cpu-dump.c). */
export async function readPageTables(qmp: QmpClient, options?: QmpOptions): Promise<number[]> {
  return parsePageTables(await humanMonitor(qmp, 'info registers -a', options));
}

export function parsePageTables(text: string): number[] {
  return [...text.matchAll(/\bCR3=([\da-f]+)\b/g)].map(([, value = '']) => parseInt(value, 16));
}
