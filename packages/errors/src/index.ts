export { errorGuide, type Guidance } from './error-guide.js';
export { errorTable, isErrorCode, type ErrorCode } from './table.js';
export {
  PageferryError,
  asPageferryError,
  type Host,
  type PageferryErrorOptions,
  type SerializedError,
} from './pageferry-error.js';
export { abortable, sleep, withTimeout } from './wait.js';
