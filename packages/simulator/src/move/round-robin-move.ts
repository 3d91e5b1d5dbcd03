import { PAGE_SIZE, PageSet } from '@pageferry/transfer';
import { MovingGuest, type MoveOptions } from './moving-guest.js';
import type { Outcome } from './outcome.js';

/**
 * Plain pre-copy, as QEMU does it: dirty pages in the order of their addresses, round and round. The dirty log is read
 * only when less is left than the link carries within the downtime limit; if then it is still less, the guest is stopped
 * (`migration_iteration_run` and `ram_state_pending_exact` of QEMU 10.0). It does not give up before the time limit.
 */
export function moveRoundRobin(options: MoveOptions): Outcome {
  const { guest, downtimeLimitMs, timeLimitMs } = options;
  const moving = new MovingGuest(options);
  const { pending } = moving;
  const dirtied = new PageSet(guest.layout);
  let iterations = 0;
  const fits = (): boolean =>
    (pending.count * PAGE_SIZE) / (moving.link.bytesPerSecond ?? 0) <= downtimeLimitMs / 1000;
  for (let from = 0; moving.now <= timeLimitMs;) {
    if (fits() || pending.count === 0) {
      moving.collect(dirtied);
      pending.addAll(dirtied);
      dirtied.clear();
      iterations++;
      moving.sample(pending.count);
      if (fits() || pending.count === 0) {
        return moving.finish({ strategy: 'round-robin', reason: 'switch-over', iterations, postcopy: false });
      }
    }
    const run = moving.nextRun(from);
    if (run === undefined) continue;
    pending.deleteRange(run.first, run.count);
    moving.send(run.count);
    moving.waitForRoom();
    from = run.first + run.count;
    moving.sampleOnTheWay(dirtied);
  }
  pending.addAll(dirtied);
  return moving.finish({ strategy: 'round-robin', reason: 'late', iterations, postcopy: false });
}
