import { PageferryError, asPageferryError } from '@pageferry/errors';
import { missingFrames } from './answer-frames.js';
import { ROUNDS_TIMEOUT_MS, type IncomingContext } from './incoming-context.js';
import type { IncomingGuest } from './incoming-guest.js';
import { standingOf } from './standing.js';

/** Post-copy's second half: until QEMU has every page, through any number of connections. */
export async function receiveMissing(context: IncomingContext, guest: IncomingGuest): Promise<void> {
  const { states, link, log, signal } = context;
  const { missing } = guest.receiver;
  for (;;) {
    try {
      await link.peer.next(['all-sent'], { signal, timeoutMs: ROUNDS_TIMEOUT_MS });
      if (missing.count === 0) break;
      throw new PageferryError(
        'protocol-violation',
        `the source says that it has sent all, but ${missing.count} pages are missing`,
      );
    } catch (thrown) {
      signal.throwIfAborted();
      link.close();
      states.transition('postcopy-paused');
      log.error(
        { err: asPageferryError(thrown), missing: missing.count },
        'post-copy is paused: the source is not there',
      );
      await takeUp(context, guest);
    }
  }
  await guest.session.finishPostcopy(signal);
}

/** Waits for the source's next connection, tells it what is missing, and goes on with it. */
export async function takeUp(context: IncomingContext, guest: IncomingGuest): Promise<void> {
  const { states, link, log, signal } = context;
  const { receiver, requests } = guest;
  const peer = await link.next(signal);
  states.transition('postcopy-recover');
  receiver.reconnect(link.frames);
  peer.onFrame = (frame) => {
    receiver.take(frame);
  };
  try {
    await peer.send(standingOf(context, guest));
    for (const frame of missingFrames(receiver.missing)) await peer.sendFrame(frame);
    requests.repeat(receiver.missing);
  } catch {
    // Gone again: the next wait for `all-sent` says so.
  }
  states.transition('postcopy-active');
  log.info({ missing: receiver.missing.count }, 'post-copy goes on');
}
