import type { Migration } from '../agents/migration.js';
import { sum } from './sum.js';

/**
 * Counts of pages without content, and counts of pages by another property than their encoding. Every other count is
 * one of pages sent with content: an encoding that is not known here is rather counted than overlooked.
 */
const notContent: ReadonlySet<string> = new Set(['zero', 'unchanged', 'compressed', 'requested', 'pushed']);
const notEncodings: ReadonlySet<string> = new Set(['requested', 'pushed']);

export function contentPagesOf(pages: Migration['pages']): number {
  const sent = Object.entries(pages).filter(([encoding]) => !notContent.has(encoding));
  return sum(sent.map(([, count]) => count));
}

/** How the pages went. */
export function encodingsOf(pages: Migration['pages']): Record<string, number> {
  return Object.fromEntries(Object.entries(pages).filter(([encoding]) => !notEncodings.has(encoding)));
}
