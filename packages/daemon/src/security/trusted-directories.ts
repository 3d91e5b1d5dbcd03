import { statSync } from 'node:fs';
import { Type, type TObject } from '@sinclair/typebox';
import { addRule } from '../configuration-rules.js';

const WRITABLE_BY_EVERYONE = 0o002;

const Directories = Type.Object({ guestDirectory: Type.String(), stateDirectory: Type.String() });

/**
 * Has a configuration refused whose guests' sockets or journals every user of the host could replace. A guest's name never
 * leads out of its directory; a link in it does, wherever whoever may write there wants it to.
 */
export function requireTrustedDirectories(schema: TObject): void {
  addRule(schema, Directories, (settings) =>
    Object.entries({ guestDirectory: settings.guestDirectory, stateDirectory: settings.stateDirectory })
      .filter(([, path]) => isWritableByEveryone(path))
      .map(([key, path]) => `${key}: every user of this host may write to ${path}: chmod o-w ${path}`),
  );
}

function isWritableByEveryone(path: string): boolean {
  try {
    return (statSync(path).mode & WRITABLE_BY_EVERYONE) !== 0;
  } catch {
    // What is not there yet, or cannot be looked at, is found by whoever uses it.
    return false;
  }
}
