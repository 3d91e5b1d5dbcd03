import type { Finding } from './finding.js';
import type { HostFiles } from './host-files.js';

/** Numbers of capabilities(7). */
const CAP_SYS_PTRACE = 19n;
/** Of yama's ptrace_scope: nobody reads another process's memory. */
const NOBODY = '3';
const SAME_USER = '0';

/** The source agent reads QEMU's memory through /proc/PID/mem, which the kernel allows as it allows ptrace(2). */
export function checkMemoryAccess({ read }: HostFiles): Finding {
  const name = "permission to read QEMU's memory (on a source)";
  const scope = read('/proc/sys/kernel/yama/ptrace_scope')?.trim() ?? SAME_USER;
  if (scope === NOBODY) {
    return {
      name,
      ok: false,
      detail: 'kernel.yama.ptrace_scope is 3: nobody may, until the host is started again',
      fix: 'set kernel.yama.ptrace_scope to 2 or less in /etc/sysctl.d, and start the host again',
    };
  }
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status') ?? '')?.[1];
  if (effective !== undefined && (BigInt(`0x${effective}`) >> CAP_SYS_PTRACE) & 1n) {
    return { name, ok: true, detail: 'this user has CAP_SYS_PTRACE' };
  }
  if (scope === SAME_USER) return { name, ok: true, detail: 'for QEMUs that run as this user' };
  return {
    name,
    ok: false,
    detail: `this user lacks CAP_SYS_PTRACE, and kernel.yama.ptrace_scope is ${scope}`,
    fix: 'run the agent with AmbientCapabilities=CAP_SYS_PTRACE, as the unit in deploy/ does (and this command as root)',
  };
}
