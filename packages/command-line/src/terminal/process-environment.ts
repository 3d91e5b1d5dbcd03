import { isatty } from 'node:tty';
import type { Environment, Keys, Sink } from '../environment.js';

const USUAL_COLUMNS = 80;
const USUAL_ROWS = 24;

function sinkOf(stream: NodeJS.WriteStream & { readonly fd: number }): Sink {
  const isTerminal = isatty(stream.fd);
  return {
    isTerminal,
    get columns() {
      // A terminal whose size nobody has set has none.
      return isTerminal && stream.columns > 0 ? stream.columns : USUAL_COLUMNS;
    },
    get rows() {
      return isTerminal && stream.rows > 0 ? stream.rows : USUAL_ROWS;
    },
    write: (text) => {
      stream.write(text);
    },
  };
}

function keysOf(stream: NodeJS.ReadStream & { readonly fd: number }): Keys {
  return {
    isTerminal: isatty(stream.fd),
    listen(listener) {
      const onData = (data: Buffer): void => {
        listener(data.toString('utf8'));
      };
      stream.setRawMode(true);
      stream.on('data', onData);
      stream.resume();
      return () => {
        stream.off('data', onData);
        stream.pause();
        stream.setRawMode(false);
      };
    },
  };
}

/** That of this process. */
export function processEnvironment(): Environment {
  const { stdin, stdout, stderr } = process;
  // Who reads no further, such as head(1), wants no more: that is no failure of this command.
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  return {
    variables: process.env,
    output: sinkOf(stdout),
    errors: sinkOf(stderr),
    keys: keysOf(stdin),
    onInterrupt(listener) {
      process.on('SIGINT', listener);
      return () => process.off('SIGINT', listener);
    },
  };
}
