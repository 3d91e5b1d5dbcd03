export { PAGE_SHIFT, PAGE_SIZE, PageLayout, type Block, type BlockShape } from './page-layout.js';
export { PageSet } from './page-set.js';
export { BandwidthEstimate, type BandwidthEstimateOptions } from './bandwidth-estimate.js';
export {
  Convergence,
  expectedDowntimeMs,
  type ConvergenceDecision,
  type ConvergenceOptions,
  type IterationStart,
} from './convergence.js';
export { PushOrder, type PageRun } from './push-order.js';
