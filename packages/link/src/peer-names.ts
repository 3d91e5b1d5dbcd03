/** One entry, as node writes it: `DNS:host.example`. What has characters of another kind is quoted, and is no name here. */
const ENTRY = /(DNS|URI|[A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;

/**
 * The names that a certificate gives its host: those of its subject alternative names that are DNS names or URIs. A name with
 * a wildcard stands for many hosts and proves none of them.
 *
 * @param subjectAltName as of node's `X509Certificate`; none if it cannot be read as a whole
 */
export function peerNames(subjectAltName: string | undefined): readonly string[] {
  const names: string[] = [];
  const text = subjectAltName ?? '';
  ENTRY.lastIndex = 0;
  while (ENTRY.lastIndex < text.length) {
    const [, kind, name = ''] = ENTRY.exec(text) ?? [];
    if (kind === undefined) return [];
    if (name === '' || name.startsWith('"') || name.includes('*')) continue;
    if (kind === 'DNS') names.push(name.toLowerCase());
    else if (kind === 'URI') names.push(name);
  }
  return names;
}

/**
 * Whether one of a peer's names is allowed. A rule is a whole name, or `*.` and the rest of one, where `*` stands for exactly
 * one label: `*.hosts.example` allows `a.hosts.example`, not `a.b.hosts.example` and not `hosts.example`. DNS names are
 * compared without regard to case, URIs as they are.
 */
export function isAllowedPeer(names: readonly string[], rules: readonly string[]): boolean {
  return rules.some((rule) => names.some((name) => matches(name, rule)));
}

function matches(name: string, rule: string): boolean {
  if (isUri(rule) || isUri(name)) return name === rule;
  const wanted = rule.toLowerCase();
  if (!wanted.startsWith('*.')) return name === wanted;
  const label = name.indexOf('.');
  return label > 0 && name.slice(label) === wanted.slice(1);
}

const DNS_RULE =
  /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;
const URI_RULE = /^[a-z][a-z0-9+.-]*:[!-~]+$/i;
const IPV4 = /^[\d.]+$/;

/** Whether a name could ever be allowed by this rule. */
export function isPeerRule(rule: string): boolean {
  if (isUri(rule)) return URI_RULE.test(rule) && !rule.includes('*');
  return DNS_RULE.test(rule) && !IPV4.test(rule);
}

function isUri(text: string): boolean {
  return text.includes(':');
}
