import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { PageferryError, asPageferryError } from '@pageferry/errors';
import { readSecretFile, readSettingFile, unusable, type SettingFile } from './setting-file.js';

/** The files of one end of TLS. */
export interface TlsFiles {
  readonly certificate: SettingFile;
  readonly key: SettingFile;
  /** The authorities that the other end's certificate must come from. */
  readonly authority?: SettingFile | undefined;
  /** What these authorities have revoked; of each of them a list, or nobody is believed. */
  readonly revocationList?: SettingFile | undefined;
}

/** What the files hold, PEM; found to fit together. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
  /** One list each. */
  readonly crl: readonly string[] | undefined;
  /** Until when the certificate is valid, ms since the epoch. */
  readonly validUntil: number;
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const REVOCATION_LISTS = /-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g;

/** @throws `configuration-invalid` with every finding; nothing in it is from the key */
export function readTlsMaterial({ certificate, key, authority, revocationList }: TlsFiles): TlsMaterial {
  const findings: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (thrown) {
      findings.push(asPageferryError(thrown).message);
      return undefined;
    }
  };
  const chain = attempt(() => readCertificates(certificate));
  const ca = authority && attempt(() => readCertificates(authority));
  const crl = revocationList && attempt(() => readRevocationLists(revocationList));
  const secret = attempt(() => readSecretFile(key));
  if (chain !== undefined && secret !== undefined) {
    attempt(() => {
      requireMatch(chain.pem, secret, key);
    });
  }
  if (chain === undefined || secret === undefined || findings.length > 0) {
    throw new PageferryError('configuration-invalid', findings.join('; '), { findings });
  }
  return { cert: chain.pem, key: secret, ca: ca?.pem, crl, validUntil: chain.validUntil };
}

function readCertificates(file: SettingFile): { readonly pem: string; readonly validUntil: number } {
  const pem = readSettingFile(file);
  try {
    const [first] = (pem.match(CERTIFICATES) ?? []).map((text) => new X509Certificate(text));
    if (first === undefined) throw new Error('there is no certificate in it');
    return { pem, validUntil: Date.parse(first.validTo) };
  } catch (thrown) {
    const why = `${file.value} cannot be used: ${asPageferryError(thrown).message}; expected certificates in PEM`;
    throw unusable(file.setting, why, thrown);
  }
}

/** Each by itself: of several in one text node takes the first. */
function readRevocationLists(file: SettingFile): readonly string[] {
  const lists = readSettingFile(file).match(REVOCATION_LISTS) ?? [];
  try {
    if (lists.length === 0) throw new Error('there is no revocation list in it');
    createSecureContext({ crl: lists });
    return lists;
  } catch (thrown) {
    const why = `${file.value} cannot be used: ${asPageferryError(thrown).message}; expected revocation lists in PEM`;
    throw unusable(file.setting, why, thrown);
  }
}

function requireMatch(cert: string, key: string, file: SettingFile): void {
  try {
    createSecureContext({ cert, key });
  } catch (thrown) {
    const why = asPageferryError(thrown).message;
    throw unusable(file.setting, `${file.value} is no key in PEM of this certificate: ${why}`, thrown);
  }
}
