import { PageferryError, asPageferryError } from '@pageferry/errors';
import type { PeerConnection } from '@pageferry/link';
import type { ControlOf } from '@pageferry/wire';
import type { SourceConfiguration } from './configuration.js';

/**
 * The destination's answer once it has looked at the machine, with a QEMU that it may have to start, and for a dry run to end
 * again. Errors: as those of `PeerConnection.next`; `peer-timeout` after `prepareSeconds`.
 */
export async function awaitPreparation<T extends 'prepared' | 'examined'>(
  peer: Pick<PeerConnection, 'next'>,
  answer: T,
  { prepareSeconds }: Pick<SourceConfiguration, 'prepareSeconds'>,
  signal: AbortSignal,
): Promise<ControlOf<T>> {
  try {
    return await peer.next([answer], { signal, timeoutMs: prepareSeconds * 1000 });
  } catch (thrown) {
    if (asPageferryError(thrown).code !== 'peer-timeout') throw thrown;
    throw new PageferryError(
      'peer-timeout',
      `the destination has not prepared its QEMU within ${prepareSeconds} s (prepareSeconds): its log says how far it came`,
      { cause: thrown },
    );
  }
}
