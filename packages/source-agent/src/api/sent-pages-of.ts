import type { OutgoingView } from '../outgoing-resource.js';

export const encodings = ['raw', 'compressed', 'reference', 'patch', 'delta', 'zero', 'storage'] as const;
type Encoding = (typeof encodings)[number];

/** Each page that was sent, by the one encoding in which it went. */
export function sentPagesOf({
  pages: { normal, reference, patch, compressed, delta, zero },
  storage,
}: Pick<OutgoingView, 'pages' | 'storage'>): Record<Encoding, number> {
  return {
    raw: normal - compressed,
    compressed,
    reference,
    patch,
    delta,
    zero,
    storage: storage?.restored ?? 0,
  };
}
