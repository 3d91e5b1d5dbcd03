/**
 * What node should be started with to run a daemon, as the units in deploy/ do.
 *
 * The page stream makes 64 KiB buffers that live for a few ms. With V8's own young generation most of them are old by the
 * time of the next collection, and cost more processor time than all the copying.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=64', '--min-semi-space-size=64'];
