import { expect } from 'vitest';
import type { ErrorCode, Host } from '@pageferry/errors';

/** Matches an error of this code, with a message like this, that happened on `host` or nobody knows where. */
export function errorLike(code: ErrorCode, message: RegExp, host?: Host): unknown {
  const text: unknown = expect.stringMatching(message);
  return expect.objectContaining({ code, message: text, host });
}
