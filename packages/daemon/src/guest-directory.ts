import { join } from 'node:path';
import { PageferryError } from '@pageferry/errors';

/** Names that guests may have: never a path, never hidden. */
export const GUEST_NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$';

const VALID_NAME = new RegExp(GUEST_NAME_PATTERN);

/**
 * The QMP socket of the guest `name`: `NAME.sock` in the directory that the configuration allows.
 *
 * @throws `guest-not-found` for what cannot be a guest's name.
 */
export function guestSocketPath(directory: string, name: string): string {
  if (!VALID_NAME.test(name)) {
    throw new PageferryError('guest-not-found', `${JSON.stringify(name)} cannot be the name of a guest`);
  }
  return join(directory, `${name}.sock`);
}
