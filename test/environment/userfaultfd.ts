import { accessSync, constants, readFileSync } from 'node:fs';
import { getuid } from 'node:process';

function unprivilegedUseIsAllowed(): boolean {
  try {
    return readFileSync('/proc/sys/vm/unprivileged_userfaultfd', 'utf8').trim() === '1';
  } catch {
    return false;
  }
}

function deviceIsAccessible(): boolean {
  try {
    accessSync('/dev/userfaultfd', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether a QEMU that this process starts can do post-copy. */
export const userfaultfdIsAvailable = (): boolean =>
  getuid?.() === 0 || unprivilegedUseIsAllowed() || deviceIsAccessible();
