import type { SettingFile } from './setting-file.js';
import type { TlsFiles } from './tls-material.js';

/** Which settings name the files of one end of mutual TLS. */
export interface TlsKeys<Key extends string> {
  readonly certificate: Key;
  readonly key: Key;
  readonly authority: Key;
  /** Which may be missing. */
  readonly revocationList?: Key;
}

/** The files of one end of mutual TLS; undefined unless all are given that must be. */
export function tlsFilesOf<Settings extends object>(
  settings: Settings,
  keys: TlsKeys<keyof Settings & string>,
): TlsFiles | undefined {
  const certificate = fileOf(settings, keys.certificate);
  const key = fileOf(settings, keys.key);
  const authority = fileOf(settings, keys.authority);
  if (certificate === undefined || key === undefined || authority === undefined) return undefined;
  const revocationList = keys.revocationList && fileOf(settings, keys.revocationList);
  return { certificate, key, authority, ...(revocationList && { revocationList }) };
}

/**
 * A finding for each setting that is missing beside the others; none if none of them is given, nor any of what only they
 * give a meaning to.
 */
export function missingBeside<Settings extends object>(
  settings: Settings,
  keys: readonly (keyof Settings & string)[],
  optional: readonly (keyof Settings & string)[] = [],
): string[] {
  const missing = keys.filter((key) => settings[key] === undefined);
  if ([...keys, ...optional].every((key) => settings[key] === undefined)) return [];
  return missing.map((key) => `${key}: is missing; ${keys.join(', ')} go together`);
}

function fileOf<Settings extends object>(
  settings: Settings,
  setting: keyof Settings & string,
): SettingFile | undefined {
  const value: unknown = settings[setting];
  return typeof value === 'string' ? { setting, value } : undefined;
}
