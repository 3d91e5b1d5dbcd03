export { PAGE_SHIFT, PAGE_SIZE, PageLayout, type Block, type BlockShape } from './page-layout.js';
export { PageSet } from './page-set.js';
export { BandwidthEstimate, type BandwidthEstimateOptions } from './bandwidth-estimate.js';
export { Stripes } from './stripes.js';
export { RewritingRates } from './rewriting-rates.js';
export { PropagationOrder } from './propagation-order.js';
export { OrderedPropagation, type OrderedPropagationOptions } from './ordered-propagation.js';
export {
  Convergence,
  expectedDowntimeMs,
  type ConvergenceDecision,
  type ConvergenceOptions,
  type IterationStart,
} from './convergence.js';
export { IterationTable, type Iteration } from './iteration-table.js';
export {
  PrecopyScheduler,
  type DecidedIteration,
  type PrecopyDecision,
  type PrecopyLimits,
  type PrecopyStanding,
} from './precopy-scheduler.js';
export { PushOrder, type HottestStripes, type PageRun } from './push-order.js';
export { looksCompressible } from './looks-compressible.js';
export { CompressionGain } from './compression-gain.js';
export { isReadAhead } from './first-pass-rule.js';
export { logIntervalMs, logIntervals } from './log-interval.js';
export { precopyWindowBytes, type PrecopyWindowOptions } from './precopy-window.js';
export { RateLimit } from './rate-limit.js';
export { copyPage, encodePageDelta, type PageWords } from './page-delta.js';
export { SentPages } from './sent-pages.js';
export { encodePagePatch } from './contents/page-patch.js';
export { applyPagePatch } from './contents/apply-page-patch.js';
export { EncodingGain, type EncodingStanding } from './contents/encoding-gain.js';
export { ContentDictionary, LOOKED_UP_AT_ONCE } from './contents/content-dictionary.js';
export { ContentStore, type PageContent } from './contents/content-store.js';
export { FEATURES, featurePage } from './contents/page-samples.js';
export { LONE, LonePages } from './contents/lone-pages.js';
export { openHash, openHash32, type HashBytes, type HashBytes32 } from './contents/hash-bytes.js';
