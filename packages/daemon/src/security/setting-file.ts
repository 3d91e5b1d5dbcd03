import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { PageferryError } from '@pageferry/errors';

/** A file that a key of the configuration names. */
export interface SettingFile {
  /** The key. */
  readonly setting: string;
  /** A path, or `credential:NAME`. */
  readonly value: string;
}

const CREDENTIAL_PREFIX = 'credential:';
/** As systemd allows. */
const CREDENTIAL_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,254}$/;
const MOST_BYTES = 1024 * 1024;
const OPEN_TO_EVERYONE = 0o007;

/**
 * The path of a file by its setting: `credential:NAME` is the credential NAME of the systemd unit, in
 * `$CREDENTIALS_DIRECTORY`. Error: `configuration-invalid`.
 */
export function settingPath(
  { setting, value }: SettingFile,
  directory = process.env['CREDENTIALS_DIRECTORY'],
): string {
  if (!value.startsWith(CREDENTIAL_PREFIX)) return value;
  const name = value.slice(CREDENTIAL_PREFIX.length);
  if (!CREDENTIAL_NAME.test(name)) throw unusable(setting, `"${name}" cannot be the name of a credential`);
  if (directory === undefined || directory === '') {
    throw unusable(
      setting,
      `there is no credential "${name}": the unit needs LoadCredential=${name}:FILE, or name the file itself`,
    );
  }
  return join(directory, name);
}

/** @throws `configuration-invalid` for a file that cannot be read, or is no file of text */
export function readSettingFile(file: SettingFile): string {
  return read(file, () => undefined);
}

/** As {@link readSettingFile}; what holds a secret must not be open to every user of the host. */
export function readSecretFile(file: SettingFile): string {
  return read(file, (mode) => {
    if ((mode & OPEN_TO_EVERYONE) !== 0) {
      throw unusable(
        file.setting,
        `${file.value} is open to every user of this host: chmod o= ${file.value}`,
      );
    }
  });
}

/** `configuration-invalid`, led by its key. */
export function unusable(setting: string, why: string, cause?: unknown): PageferryError {
  return new PageferryError('configuration-invalid', `${setting}: ${why}`, { cause });
}

function read(file: SettingFile, check: (mode: number) => void): string {
  const path = settingPath(file);
  try {
    const descriptor = openSync(path, 'r');
    try {
      const status = fstatSync(descriptor);
      if (!status.isFile()) throw unusable(file.setting, `${path} is no file`);
      check(status.mode);
      if (status.size > MOST_BYTES)
        throw unusable(file.setting, `${path} is larger than ${MOST_BYTES} bytes`);
      const content = Buffer.alloc(status.size);
      return content.toString('utf8', 0, readSync(descriptor, content, 0, status.size, 0));
    } finally {
      closeSync(descriptor);
    }
  } catch (thrown) {
    if (thrown instanceof PageferryError) throw thrown;
    throw unusable(file.setting, thrown instanceof Error ? thrown.message : String(thrown), thrown);
  }
}
