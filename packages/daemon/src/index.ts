export {
  createLogger,
  logLevels,
  migrationLogger,
  type LogLevel,
  type Logger,
  type LoggerOptions,
} from './log.js';
export { Problem, PROBLEM_CONTENT_TYPE, problemOf, type Occurrence } from './problem.js';
export { createHttpServer, type HttpServer, type HttpServerOptions } from './http-server.js';
export type { TypeBoxTypeProvider } from './http-schema.js';
export { findingsOf } from './findings.js';
export { loadConfiguration, type ConfigurationSources, type Invocation } from './configuration.js';
export { daemonSettings } from './daemon-settings.js';
export { Journal, type JournalOptions, type StoredJournal } from './journal.js';
export {
  StateMachine,
  type StateEntry,
  type TransitionListener,
  type TransitionTable,
} from './state-machine.js';
export { runDaemon, untilAborted, type Daemon, type DaemonContext } from './run.js';
export { GUEST_NAME_PATTERN, guestSocketPath } from './guest-directory.js';
export { NODE_ENVIRONMENT, NODE_FLAGS } from './node-flags.js';
