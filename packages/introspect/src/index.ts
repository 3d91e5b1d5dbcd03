export { PAGE_BYTES, type GuestMemory, type MemoryRange } from './memory/guest-memory.js';
export { openGuest } from './open-guest.js';
export { type OpenOptions } from './open-options.js';
export { type FilePages, type GuestDisk, type UnmappedReason } from './files/file-pages.js';
export {
  type ClassifiedPages,
  type ClassifyOptions,
  type KnownLinux,
  type LinuxGuest,
  type MapOptions,
} from './linux-guest.js';
export { pageClass, pageClassNames, type PageClassName, type PageCounts } from './pages/page-class.js';
export { type FreePageCheck } from './pages/recheck-free-pages.js';
export { type UnsupportedResult } from './unsupported.js';
