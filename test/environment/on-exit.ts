import process from 'node:process';

const cleanups = new Set<() => void>();
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
let installed = false;

function cleanUp(): void {
  for (const cleanup of [...cleanups].reverse()) {
    try {
      cleanup();
    } catch (error) {
      console.error('cleaning up:', error);
    }
  }
  cleanups.clear();
}

function install(): void {
  installed = true;
  // Also follows an uncaught exception.
  process.on('exit', cleanUp);
  for (const signal of signals) {
    process.once(signal, () => {
      cleanUp();
      // Dies of the signal, unless someone else has plans for it.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  }
}

/** Has `cleanup` (synchronous) called when this process ends other than by SIGKILL; returns how to forget it. */
export function onExit(cleanup: () => void): () => void {
  if (!installed) install();
  cleanups.add(cleanup);
  return () => cleanups.delete(cleanup);
}
