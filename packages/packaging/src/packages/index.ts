import { destinationSettings } from '@pageferry/destination-agent';
import { sourceSettings } from '@pageferry/source-agent';
import type { DebianPackage } from '../debian-package.js';
import { fillAgent } from './agent.js';
import { fillCommandLine } from './command-line.js';
import { fillCommon } from './common.js';
import type { Contents } from './contents.js';

/** Fills a tree with a package's files, and describes the package. */
export type FillPackage = (contents: Contents) => Promise<DebianPackage>;

const BOTH =
  'pageferry moves running QEMU guests from one host to another, with an agent on each: by pre-copy, by post-copy, ' +
  'or by both.';

export const packages: readonly FillPackage[] = [
  fillCommon,
  (contents) =>
    fillAgent(
      {
        folder: 'source-agent',
        schema: sourceSettings,
        state: 'source',
        summary: 'moves running QEMU guests to other hosts',
        description: [BOTH, 'This is the agent on the host that a guest leaves, with the HTTP API.'],
      },
      contents,
    ),
  (contents) =>
    fillAgent(
      {
        folder: 'destination-agent',
        schema: destinationSettings,
        state: 'destination',
        summary: 'takes running QEMU guests in from other hosts',
        description: [BOTH, 'This is the agent on the host that a guest comes to.'],
      },
      contents,
    ),
  fillCommandLine,
];
