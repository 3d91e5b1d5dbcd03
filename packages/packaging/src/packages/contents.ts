import type { Tree } from '../tree.js';

/** What a package is filled with, and by whom it is told which version it is. */
export interface Contents {
  readonly tree: Tree;
  readonly version: string;
  /** Of the manual pages. */
  readonly date: string;
}
