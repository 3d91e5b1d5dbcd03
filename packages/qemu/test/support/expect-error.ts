import { PageferryError, type ErrorCode } from '@pageferry/errors';
import { expect } from 'vitest';

/** Expects a promise to fail with this code, and each of these texts in the message. */
export async function expectError(
  promise: Promise<unknown>,
  code: ErrorCode,
  ...texts: string[]
): Promise<void> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  check(error, code, texts);
}

/** The same for what is not asynchronous. */
export function expectThrown(action: () => unknown, code: ErrorCode, ...texts: string[]): void {
  let error: unknown;
  try {
    action();
  } catch (thrown) {
    error = thrown;
  }
  check(error, code, texts);
}

/** What is thrown, as text; undefined if nothing is. It must be of this code. */
export function failureOf(action: () => unknown, code: ErrorCode): string | undefined {
  let failure: unknown;
  try {
    action();
    return undefined;
  } catch (thrown) {
    failure = thrown;
  }
  check(failure, code, []);
  return String(failure);
}

function check(error: unknown, code: ErrorCode, texts: string[]): void {
  if (!(error instanceof PageferryError)) throw new Error(`no PageferryError but ${String(error)}`);
  expect(error.code, error.message).toBe(code);
  for (const text of texts) expect(error.message).toContain(text);
}
