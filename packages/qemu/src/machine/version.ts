import { PageferryError } from '@pageferry/errors';
import type { QmpGreeting } from '../qmp/qmp-message.js';

const OLDEST = { major: 8, minor: 2 } as const;

/** A version as QEMU prints it: `10.0.2`. */
export function formatVersion({ version: { qemu } }: QmpGreeting): string {
  return `${qemu.major}.${qemu.minor}.${qemu.micro}`;
}

/**
 * 8.1 brought the capability `switchover-ack`, which the dirty log stands on, 8.2 the host addresses in `info ramblock`.
 * @throws `qemu-too-old`
 */
export function requireSupportedVersion(greeting: QmpGreeting): void {
  if (isSupported(formatVersion(greeting))) return;
  throw new PageferryError('qemu-too-old', tooOld(formatVersion(greeting)));
}

/** Whether this version, as {@link formatVersion} writes it, is new enough. */
export function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor);
}

/** What is wrong with a version that is not supported. */
export function tooOld(version: string): string {
  return (
    `this is QEMU ${version}, and pageferry needs ${OLDEST.major}.${OLDEST.minor} or newer: older ones neither say ` +
    'where guest memory lies nor let a dirty log run without the migration completing'
  );
}
