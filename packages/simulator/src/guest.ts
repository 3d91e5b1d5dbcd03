import { PAGE_SIZE, PageLayout } from '@pageferry/transfer';

/**
 * A guest as it is simulated: so that the largest ones take neither hours nor gigabytes, `scale` pages count as one.
 *
 * Memory, bandwidth and write rates all shrink by the same factor, and time stays as it is: what the scheduler sees is a
 * smaller guest that takes as long over a slower link.
 */
export interface SimulatedGuest {
  readonly layout: PageLayout;
  /** Pages of the guest that one simulated page stands for, a power of two. */
  readonly scale: number;
}

/** @param mostPages that are simulated one by one */
export function simulatedGuest(bytes: number, mostPages: number): SimulatedGuest {
  const pages = Math.ceil(bytes / PAGE_SIZE);
  let scale = 1;
  while (pages > mostPages * scale) scale *= 2;
  const length = Math.ceil(pages / scale) * PAGE_SIZE;
  return { layout: new PageLayout([{ name: 'ram', length, pageSize: PAGE_SIZE }]), scale };
}
