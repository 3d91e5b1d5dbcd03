export * from './block-frames.js';
export * from './channel-frames.js';
export * from './compressed-frame.js';
export * from './content-frames.js';
export * from './control-messages.js';
export {
  MAX_DISKS,
  MAX_DISK_SAMPLES,
  type ComparedDisk,
  type DiskSample,
  type SampledDisk,
  type WireDisk,
} from './disks.js';
export * from './endpoint.js';
export * from './frame-header.js';
export {
  ADDRESS_BYTES,
  DELTA_ENCODING,
  DELTA_HEADER_BYTES,
  MAX_ZERO_PAGES,
  PAGE_RECORD_BYTES,
  RUN_BYTES,
  checkDeltasFrame,
  checkPagesFrame,
  checkRunsFrame,
  deltaLength,
  readAddress,
  recordAt,
  runAddress,
  runPages,
  writeAddress,
  writeDeltaHeader,
  writeRun,
} from './page-frames.js';
