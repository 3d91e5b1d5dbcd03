import { setMaxListeners } from 'node:events';
import { PageferryError, abortable, asPageferryError } from '@pageferry/errors';
import { Type, type Static, type TObject } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { loadConfiguration } from './configuration.js';
import type { Program } from './configuration-flags.js';
import { daemonSettings } from './daemon-settings.js';
import { LogOutput, createLogger, type Logger, type LogLevel } from './log.js';
import { openNotify } from './systemd/notify.js';
import { ServiceManager } from './systemd/service-manager.js';
import { watchdogIntervalMs } from './systemd/watchdog.js';

const EXIT_DONE = 0;
const EXIT_FAILED = 1;
const EXIT_CONFIGURATION = 2;

const commonSettings = Type.Object(daemonSettings);

export interface DaemonContext<Configuration> {
  readonly configuration: Configuration;
  readonly log: Logger;
  /** Aborted when the daemon is to stop: by SIGTERM or SIGINT. */
  readonly signal: AbortSignal;
  /** To be told when the daemon takes requests, and what it does; the rest is {@link runDaemon}'s. */
  readonly service: ServiceManager;
}

export interface Daemon<Schema extends TObject> extends Program {
  /** A flat schema of the configuration; {@link daemonSettings} are among its keys. */
  readonly schema: Schema;
  /** Runs until `signal` is aborted, then closes everything that it opened, and resolves. */
  readonly main: (context: DaemonContext<Static<Schema>>) => Promise<void>;
  /** Time, ms, that `main` has for closing. */
  readonly closeTimeoutMs?: number;
}

/**
 * Runs a daemon in this process, until its end; never returns.
 *
 * The process exits with 0 when `main` has resolved, or rejected with the signal's reason; with 1 when it
 * failed, did not close in time, or something was thrown that nobody caught; with 2 when the
 * configuration is not valid.
 */
export async function runDaemon<Schema extends TObject>(daemon: Daemon<Schema>): Promise<never> {
  const { name, main, closeTimeoutMs = 30_000 } = daemon;
  const configuration = configure(daemon);
  const output = new LogOutput();
  const log = createLogger({ name, level: logLevelOf(configuration), destination: output.stream });
  const stop = new AbortController();
  // However many migrations listen for the end, none of them is a leak that Node should warn of.
  setMaxListeners(0, stop.signal);
  const service = new ServiceManager(await openNotify(process.env, log), log);

  process.on('uncaughtException', (error, origin) => {
    log.fatal({ err: error, origin }, 'an error that nobody caught');
    process.exit(EXIT_FAILED);
  });
  const onSignal = (received: NodeJS.Signals): void => {
    // Not a reason to hurry: the guest that is on its way has to come to a safe end.
    if (stop.signal.aborted) return;
    log.info({ signal: received }, 'stopping');
    service.stopping();
    setTimeout(() => {
      log.fatal({ closeTimeoutMs }, 'did not stop in time');
      process.exit(EXIT_FAILED);
    }, closeTimeoutMs);
    stop.abort(new PageferryError('interrupted', `The daemon was stopped by ${received}`));
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);

  const watchdogMs = watchdogIntervalMs(process.env, process.pid);
  if (watchdogMs !== undefined) service.feedWatchdog(watchdogMs);

  try {
    await main({ configuration, log, signal: stop.signal, service });
  } catch (error) {
    if (!stop.signal.aborted || error !== stop.signal.reason) {
      log.fatal({ err: error }, 'the daemon failed');
      process.exit(EXIT_FAILED);
    }
  }
  await service.told();
  log.info('stopped');
  await output.end();
  process.exit(EXIT_DONE);
}

/** A schema that leaves out the common settings gets their defaults. */
function logLevelOf(configuration: unknown): LogLevel {
  return Value.Check(commonSettings, configuration) ? configuration.logLevel : 'info';
}

/** Resolves when `signal` is aborted. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  await abortable(signal, new Promise<never>(() => undefined)).catch(() => undefined);
}

function configure<Schema extends TObject>({
  schema,
  name,
  description,
  version,
}: Daemon<Schema>): Static<Schema> {
  try {
    const sources = { name, description, version, argv: process.argv.slice(2), env: process.env };
    const invocation = loadConfiguration(schema, sources);
    if (invocation.kind === 'run') return invocation.configuration;
    process.stdout.write(invocation.text);
    process.exit(EXIT_DONE);
  } catch (error) {
    const { title, message, findings } = asPageferryError(error);
    const lines = findings.length > 0 ? findings : [message];
    process.stderr.write(`${name}: ${title}\n${lines.map((line) => `  ${line}\n`).join('')}`);
    process.exit(EXIT_CONFIGURATION);
  }
}
