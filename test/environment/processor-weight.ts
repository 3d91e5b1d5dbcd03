import { readdir, readFile, writeFile } from 'node:fs/promises';
import { setPriority } from 'node:os';

/** systemd's default, which a guest has, and the kernel's for niceness 0. */
export const usualWeight = 100;
/** From each niceness to the next one below: kernel/sched/core.c, sched_prio_to_weight. */
const weightStep = 1.25;

/**
 * Gives a process, the leader of a session, the share of busy processors that systemd's `CPUWeight=` would. The kernel shares
 * processors between sessions first (sched(7), autogroups), and looks at the niceness of threads only within each of them.
 */
export async function giveProcessorWeight(pid: number, weight: number): Promise<void> {
  const niceness = -Math.round(Math.log(weight / usualWeight) / Math.log(weightStep));
  if (await sharedBetweenSessions()) {
    await writeFile(`/proc/${pid}/autogroup`, String(niceness));
    return;
  }
  for (const thread of await readdir(`/proc/${pid}/task`)) setPriority(Number(thread), niceness);
}

/** A kernel that was built without it has no such setting. */
async function sharedBetweenSessions(): Promise<boolean> {
  const setting = await readFile('/proc/sys/kernel/sched_autogroup_enabled', 'utf8').catch(() => '0');
  return setting.trim() === '1';
}
