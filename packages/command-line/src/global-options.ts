import type { Command } from 'commander';

/** What every command understands. */
export interface GlobalFlags {
  readonly api?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly color: boolean;
  /** Of most commands. */
  readonly json?: boolean;
}

export const DEFAULT_API = 'http://127.0.0.1:7410';

export function addGlobalOptions(program: Command): Command {
  return program
    .option('--api <url>', `API of the source agent (env: PAGEFERRY_API, default: ${DEFAULT_API})`)
    .option('--token-file <file>', "file with the API's bearer token (env: PAGEFERRY_TOKEN_FILE)")
    .option('--ca <file>', "certificates, PEM, of the authorities that the API's certificate may come from")
    .option('--no-color', 'no colours (env: NO_COLOR)');
}
