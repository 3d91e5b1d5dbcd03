import { execPath } from 'node:process';
import type { DebianPackage } from '../debian-package.js';
import { copyrightOf } from '../licences.js';
import { commonScripts } from '../maintainer-scripts.js';
import { manualPage } from '../manual-page.js';
import { ARCHITECTURE, copyNativePackages, nativePackages } from '../native-packages.js';
import { inDeploy, inRepository, LIBRARY } from '../paths.js';
import type { Contents } from './contents.js';
import { readFile } from 'node:fs/promises';

const NAME = 'pageferry-common';
const documentNames = [
  'install',
  'operating',
  'security',
  'libvirt',
  'storage',
  'tuning',
  'failures',
  'logs',
  'metrics',
].map((name) => `${name}.md`);
const monitoring = ['pageferry.dashboard.json', 'pageferry.rules.yml'];

/** What the other packages share: users, directories, guests' unit, and the node that builds as the runtime. */
export async function fillCommon({ tree, version, date }: Contents): Promise<DebianPackage> {
  await tree.copy(execPath, `${LIBRARY}/bin/node`, 0o755);
  await copyNativePackages(tree);
  await tree.copy(inDeploy('guests/start-guest'), `${LIBRARY}/bin/start-guest`, 0o755);
  await tree.copy(inDeploy('systemd/qemu-guest@.service'), 'usr/lib/systemd/system/qemu-guest@.service');
  await tree.copy(inDeploy('sysusers.d/pageferry.conf'), 'usr/lib/sysusers.d/pageferry.conf');
  await tree.copy(inDeploy('tmpfiles.d/pageferry.conf'), 'usr/lib/tmpfiles.d/pageferry.conf');
  await tree.copy(inDeploy('udev/60-pageferry.rules'), 'usr/lib/udev/rules.d/60-pageferry.rules');
  await tree.makeDirectory('etc/pageferry/guests');

  const documents = `usr/share/doc/${NAME}`;
  await tree.copy(inDeploy('guests/example.conf'), `${documents}/examples/guest.conf`);
  for (const name of documentNames) await tree.copy(inRepository('docs', name), `${documents}/${name}`);
  for (const name of monitoring) {
    await tree.copy(inDeploy(`monitoring/${name}`), `usr/share/${NAME}/monitoring/${name}`);
  }
  await tree.write(`${documents}/copyright`, await copyrightOf(nativePackages, true));
  await tree.writeCompressed(`${documents}/changelog`, await readFile(inRepository('CHANGELOG.md'), 'utf8'));
  const page = await readFile(inDeploy('man/qemu-guest@.service.8'), 'utf8');
  await tree.writeCompressed('usr/share/man/man8/qemu-guest@.service.8', manualPage(page, [], date));

  return {
    name: NAME,
    version,
    architecture: ARCHITECTURE,
    depends: ['libc6 (>= 2.28)', 'libgcc-s1', 'libstdc++6 (>= 8)', 'libsystemd0', 'systemd (>= 252)'],
    summary: 'what the pageferry agents share',
    description: [
      'The users, directories and the JavaScript runtime of the pageferry agents, and a unit that runs QEMU guests.',
    ],
    configuration: [],
    scripts: commonScripts,
  };
}
