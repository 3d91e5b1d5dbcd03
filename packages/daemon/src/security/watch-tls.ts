import type { Logger } from '../log.js';
import type { FileReloader, Reloaded } from './file-reloader.js';
import { settingPath } from './setting-file.js';
import { readTlsMaterial, type TlsFiles, type TlsMaterial } from './tls-material.js';

const SOON_MS = 14 * 86_400_000;

/**
 * Certificate, key, authorities and what they have revoked, always the newest. One that has expired, or is about to, is in the log; it is no
 * reason to refuse the start: the guests of interrupted migrations must be looked after whatever the date.
 *
 * @param what they are for, in the log
 * @throws `configuration-invalid`
 */
export function watchTls(
  reloader: FileReloader,
  log: Logger,
  what: string,
  files: TlsFiles,
): Reloaded<TlsMaterial> {
  const { certificate, key, authority, revocationList } = files;
  const paths = [certificate, key, authority, revocationList].flatMap((file) =>
    file === undefined ? [] : [settingPath(file)],
  );
  return reloader.watch({
    what,
    paths,
    validUntil: ({ validUntil }) => validUntil,
    read: () => {
      const material = readTlsMaterial(files);
      const { validUntil } = material;
      const facts = { what, certificate: certificate.value, validUntil: new Date(validUntil).toISOString() };
      if (validUntil < Date.now()) log.error(facts, 'the certificate has expired: others will refuse it');
      else if (validUntil < Date.now() + SOON_MS) log.warn(facts, 'the certificate expires soon');
      return material;
    },
  });
}
