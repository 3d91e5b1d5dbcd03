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
export { NODE_ENVIRONMENT, NODE_FLAGS, PROCESSOR_WEIGHT } from './node-flags.js';
export { ServiceManager } from './systemd/service-manager.js';
export { statusLine, type Shown } from './systemd/status-line.js';
export {
  secureApi,
  apiSecuritySettings,
  apiUrl,
  openApiAccess,
  findingsOfReading,
  type ApiAccess,
} from './security/api-security.js';
export { addRule, type ConfigurationRule } from './configuration-rules.js';
export { FileReloader, type Reloaded } from './security/file-reloader.js';
export { isLoopback } from './security/loopback.js';
export { LogLimit } from './security/log-limit.js';
export { readTlsMaterial, type TlsFiles, type TlsMaterial } from './security/tls-material.js';
export { missingBeside, tlsFilesOf } from './security/tls-settings.js';
export { watchTls } from './security/watch-tls.js';
export { flagOf, variableOf } from './key-names.js';
export { requireTrustedDirectories } from './security/trusted-directories.js';
export { describeApi, problemAnswers, type ApiDocumentOptions } from './http/api-document.js';
export { EventFeed, type FeedEvent } from './http/event-feed.js';
export { EventStreams, type EventStreamLimits } from './http/event-streams.js';
export { IdempotencyKeys, idempotencyHeaders } from './http/idempotency-keys.js';
export { serveMetrics } from './http/metrics.js';
export { MOST_MEASURED, countEnded, measureUnderway } from './http/migration-metrics.js';
export { idParams, serveMigrations, type ListedMigrations } from './http/migration-list.js';
export { checkDirectory, serveHealth, type Check } from './http/readiness.js';
export { KnownMigrations } from './known-migrations.js';
export type { EndedMigration } from './migration-history.js';
