export { simulatedGuest, type SimulatedGuest } from './guest.js';
export { LinkShape, type LinkStep } from './link/link-shape.js';
export { SimulatedLink, type SimulatedLinkOptions } from './link/simulated-link.js';
export { strategies, type Outcome, type Sample, type Strategy } from './move/outcome.js';
export { Samples } from './move/samples.js';
export { plotOf } from './report/plot.js';
export { tableOf } from './report/table.js';
export { seededRandom, type Random } from './random.js';
export { simulate, type Scenario } from './simulate.js';
export { Bursts } from './workload/bursts.js';
export { HotSpot, type HotSpotOptions } from './workload/hot-spot.js';
export { Sweep, type SweepOptions } from './workload/sweep.js';
export type { Workload } from './workload/workload.js';
export { Zipf, type ZipfOptions } from './workload/zipf.js';
export { Recorded } from './workload/recorded.js';
export { Trace, type Look } from './trace/trace.js';
export { TraceWriter } from './trace/trace-writer.js';
export {
  formatBytes,
  formatDuration,
  formatRate,
  parseBandwidth,
  parseBytes,
  parseDuration,
} from './units.js';
