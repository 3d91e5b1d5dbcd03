import { Worker } from 'node:worker_threads';
import type { IndexingMessage, IndexingOrder } from './indexing-messages.js';

/** An indexing that goes on by itself. */
export interface Indexing {
  /** Ends it. Never rejects. */
  readonly stop: () => Promise<void>;
}

export interface IndexingListener {
  readonly said: (message: IndexingMessage) => void;
  /** It has ended by itself, by an error that nobody foresaw. */
  readonly failed: (error: unknown) => void;
}

export type StartIndexing = (order: IndexingOrder, listener: IndexingListener) => Indexing;

/** What the thread keeps is outside of its heap. */
const HEAP = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };

/** In a thread of its own. */
export const startIndexingThread: StartIndexing = (order, { said, failed }) => {
  const worker = new Worker(new URL('./indexing-worker.js', import.meta.url), { resourceLimits: HEAP });
  // An agent that has come to its end does not wait for it.
  worker.unref();
  worker.on('message', said);
  worker.on('error', failed);
  worker.postMessage(order);
  return {
    stop: async () => {
      worker.removeAllListeners();
      // What it still says, or stumbles over, is of no interest.
      worker.on('error', () => undefined);
      await worker.terminate();
    },
  };
};
