/**
 * What node should be started with to run a daemon, as the units in deploy/ do.
 *
 * The page stream makes 64 KiB buffers that live for a few ms. With V8's own young generation most of them are old by the
 * time of the next collection, and cost more processor time than all the copying. And V8 counts them as if they were old: it
 * marks the whole heap after every few megabytes of them, unless the old generation may grow to five times its size, which
 * is some 20 MB. What was compiled for one migration is kept for the next one, weeks later: V8 would forget it soon, and the first
 * guest that a daemon moves costs twice the processor time of those that follow it.
 */
export const NODE_FLAGS: readonly string[] = [
  '--max-semi-space-size=24',
  '--min-semi-space-size=24',
  '--heap-growing-percent=400',
  '--no-flush-bytecode',
];

/**
 * What the C library's allocator should be told for it, as the units in deploy/ do: to keep up to 64 MiB of freed memory. Each
 * buffer of a socket is allocated anew, and by default much of it is given back to the kernel and faulted in again.
 */
export const NODE_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_TRIM_THRESHOLD_: '67108864',
  MALLOC_MMAP_THRESHOLD_: '1048576',
};

/**
 * Which share of busy processors a daemon should have, as systemd's `CPUWeight=`, whose default of 100 is what a guest has. A
 * daemon that gets no more than any of the guests moves them for longer, and they work meanwhile on what it must send again.
 */
export const PROCESSOR_WEIGHT = 1000;
