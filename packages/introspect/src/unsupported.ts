/**
 * The guest is not one that this library knows how to read. Never leaves the library: {@link openGuest} and what it
 * returns answer with the reason.
 */
export class Unsupported extends Error {
  override readonly name: string = 'Unsupported';
}

/** A description of a kernel that is not there (any more): memory survives a reboot. */
export class StaleCopy extends Unsupported {
  override readonly name = 'StaleCopy';
}

export interface UnsupportedResult {
  readonly kind: 'unsupported';
  /** Why, as a clause: no capital letter, no full stop. */
  readonly reason: string;
}

/** What `work` answers, or why the guest is not supported; anything else that is thrown goes on. */
export async function orUnsupported<T>(work: () => Promise<T>): Promise<T | UnsupportedResult> {
  try {
    return await work();
  } catch (thrown) {
    return unsupportedOf(thrown);
  }
}

/** As {@link orUnsupported}, for what is done at once and answers nothing else. */
export function orUnsupportedNow(work: () => void): UnsupportedResult | undefined {
  try {
    work();
    return undefined;
  } catch (thrown) {
    return unsupportedOf(thrown);
  }
}

function unsupportedOf(thrown: unknown): UnsupportedResult {
  if (thrown instanceof Unsupported) return { kind: 'unsupported', reason: thrown.message };
  throw thrown;
}
