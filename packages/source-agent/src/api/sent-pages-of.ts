import type { OutgoingView } from '../outgoing-resource.js';

export const encodings = ['raw', 'compressed', 'reference', 'patch', 'delta', 'zero'] as const;
type Encoding = (typeof encodings)[number];

/** Each page that was sent, by the one encoding in which it went. */
export function sentPagesOf({
  normal,
  reference,
  patch,
  compressed,
  delta,
  zero,
}: OutgoingView['pages']): Record<Encoding, number> {
  return { raw: normal - compressed, compressed, reference, patch, delta, zero };
}
