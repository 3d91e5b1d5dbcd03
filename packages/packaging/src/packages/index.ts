import { destinationSettings } from '@pageferry/destination-agent';
import { sourceSettings } from '@pageferry/source-agent';
import { packagedFiles } from '@pageferry/web-page';
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
  async (contents) =>
    fillAgent(
      {
        folder: 'source-agent',
        schema: sourceSettings,
        state: 'source',
        summary: 'moves running QEMU guests to other hosts',
        description: [BOTH, 'This is the agent on the host that a guest leaves, with the HTTP API.'],
        threads: ['preparation/indexing-worker.js'],
        modules: await packagedFiles(),
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
        files: { 'polkit/60-pageferry.rules': 'usr/share/polkit-1/rules.d/60-pageferry.rules' },
        // Without it the driver systemd asks in vain.
        recommends: ['polkitd (>= 121)', 'qemu-utils'],
      },
      contents,
    ),
  fillCommandLine,
];
