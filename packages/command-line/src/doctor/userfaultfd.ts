import type { Finding } from './finding.js';
import type { HostFiles } from './host-files.js';

const SETTING = 'vm.unprivileged_userfaultfd';
const DEVICE = '/dev/userfaultfd';

/** Post-copy on the destination stands on it: QEMU catches the guest's accesses to missing pages. */
export function checkUserfaultfd({ read, canUse, userId }: HostFiles): Finding {
  const name = 'userfaultfd (post-copy, on a destination)';
  const setting = read('/proc/sys/vm/unprivileged_userfaultfd')?.trim();
  if (setting === '1') return { name, ok: true, detail: `${SETTING} is 1` };
  if (userId === 0) return { name, ok: true, detail: `for QEMUs that run as root: ${SETTING} is not 1` };
  if (canUse(DEVICE)) return { name, ok: true, detail: `${DEVICE} can be opened` };
  return {
    name,
    ok: false,
    detail: setting === undefined ? 'this kernel has none' : `${SETTING} is ${setting}`,
    fix:
      setting === undefined
        ? 'run a kernel with CONFIG_USERFAULTFD, or migrate with --mode precopy'
        : `run \`sysctl -w ${SETTING}=1\`, and write it to a file in /etc/sysctl.d; or migrate with --mode precopy`,
  };
}
