import { readFile } from 'node:fs/promises';
import { ApiClient } from './api/client.js';
import type { Gang } from './api/gang-schemas.js';
import { Http } from './api/http.js';
import type { Migration } from './api/schemas.js';
import { PageferryError } from '@pageferry/errors';
import { DEFAULT_API, type GlobalFlags } from './global-options.js';
import type { Environment, Sink } from './environment.js';
import { paint, plain, type Paint } from './view/colours.js';
import { LiveGangView } from './view/live-gang-view.js';
import { LiveView } from './view/live-view.js';
import { PlainGangView } from './view/plain-gang-view.js';
import { PlainView } from './view/plain-view.js';
import { writeLines, type ProgressView } from './view/progress-view.js';

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** One run of the command: the agent that it talks to, and how it shows things. */
export class Session {
  readonly environment: Environment;
  readonly json: boolean;
  readonly url: string;
  readonly client: ApiClient;
  readonly #mayPaint: boolean;

  private constructor(environment: Environment, flags: GlobalFlags, client: ApiClient) {
    this.environment = environment;
    this.json = flags.json === true;
    this.url = client.http.url;
    this.client = client;
    this.#mayPaint = flags.color && (environment.variables['NO_COLOR'] ?? '') === '';
  }

  /** Error: `request-invalid`, for an address or a file that cannot be used. */
  static async open(environment: Environment, flags: GlobalFlags): Promise<Session> {
    const { variables } = environment;
    const url = apiUrl(flags.api ?? variables['PAGEFERRY_API'] ?? DEFAULT_API);
    const tokenFile = flags.tokenFile ?? variables['PAGEFERRY_TOKEN_FILE'];
    const token = tokenFile === undefined ? undefined : (await readNamed(tokenFile, '--token-file')).trim();
    const authorities = flags.ca === undefined ? undefined : await readNamed(flags.ca, '--ca');
    if (token !== undefined) refuseBadToken(token, url);
    return new Session(environment, flags, new ApiClient(new Http({ url: url.origin, token, authorities })));
  }

  /** For what is not the answer itself: with `--json` the standard output is for the JSON only. */
  get progressSink(): Sink {
    return this.json ? this.environment.errors : this.environment.output;
  }

  paintFor(sink: Sink): Paint {
    return this.#mayPaint && this.#isAble(sink) ? paint : plain;
  }

  /** Whether what is on the terminal can be redrawn. */
  get isLive(): boolean {
    return this.#isAble(this.progressSink);
  }

  openView(): ProgressView<Migration> {
    const sink = this.progressSink;
    return this.isLive ? new LiveView(sink, this.paintFor(sink)) : new PlainView(sink);
  }

  openGangView(): ProgressView<Gang> {
    const sink = this.progressSink;
    return this.isLive ? new LiveGangView(sink, this.paintFor(sink)) : new PlainGangView(sink);
  }

  /** Prints lines for a person, or, with `--json`, one for a program. */
  print(whole: unknown, lines: (paint: Paint) => readonly string[]): void {
    const { output } = this.environment;
    writeLines(output, this.json ? [JSON.stringify(whole)] : lines(this.paintFor(output)));
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  #isAble(sink: Sink): boolean {
    return sink.isTerminal && this.environment.variables['TERM'] !== 'dumb';
  }
}

function apiUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.pathname === '/')
    return url;
  throw new PageferryError(
    'request-invalid',
    `--api: ${text} is no address of an API; such as ${DEFAULT_API} or https://host.example:7410 is wanted`,
  );
}

function refuseBadToken(token: string, url: URL): void {
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new PageferryError(
      'request-invalid',
      '--token-file: one line of visible ASCII is wanted in this file',
    );
  }
  if (url.protocol === 'https:' || LOOPBACK.test(url.hostname)) return;
  throw new PageferryError(
    'request-invalid',
    `--api: the token would cross the network to ${url.hostname} in clear text: use https://`,
  );
}

async function readNamed(path: string, flag: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PageferryError('request-invalid', `${flag}: ${path} cannot be read: ${why}`, { cause });
  }
}
