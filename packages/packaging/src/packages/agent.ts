import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { TObject } from '@sinclair/typebox';
import { bashCompletion } from '../bash-completion.js';
import { bundle } from '../bundle.js';
import type { DebianPackage } from '../debian-package.js';
import { defaultFile } from '../default-file.js';
import { copyrightOf } from '../licences.js';
import { serviceScripts } from '../maintainer-scripts.js';
import { manualPage } from '../manual-page.js';
import { ARCHITECTURE } from '../native-packages.js';
import { inDeploy, LIBRARY } from '../paths.js';
import { settingsOf } from '../settings.js';
import type { Contents } from './contents.js';

export interface AgentPackage {
  /** Of its folder among the packages of this repository. */
  readonly folder: 'source-agent' | 'destination-agent';
  readonly schema: TObject;
  /** Of its directory below /var/lib/pageferry. */
  readonly state: string;
  readonly summary: string;
  readonly description: readonly string[];
  /** Files of `deploy/` that only this agent needs, by path, and where they go. */
  readonly files?: Readonly<Record<string, string>>;
  readonly recommends?: readonly string[];
  /** Compiled files of its package that its threads begin with, which it looks for beside itself. */
  readonly threads?: readonly string[];
  /** Files of npm packages that the program reads as files, each below a `node_modules`. */
  readonly modules?: readonly { readonly path: string; readonly packaged: string }[];
}

/** One of the daemons, as a service. */
export async function fillAgent(
  agent: AgentPackage,
  { tree, version, date }: Contents,
): Promise<DebianPackage> {
  const { folder, schema, state, summary, description } = agent;
  const { files = {}, recommends = [], threads = [], modules = [] } = agent;
  const name = `pageferry-${folder}`;
  const program = await bundle('packages', folder, 'dist/main.js');
  // The keeper is started as a file of its own, by this name and from beside the program.
  const keeper = await bundle('packages/qemu/dist/qmp/keeper/main.js');
  await tree.write(`${LIBRARY}/${folder}/agent.js`, program.code);
  await tree.write(`${LIBRARY}/${folder}/main.js`, keeper.code);
  for (const thread of threads) {
    const { code } = await bundle('packages', folder, 'dist', thread);
    await tree.write(`${LIBRARY}/${folder}/${basename(thread)}`, code);
  }
  await tree.write(`${LIBRARY}/${folder}/package.json`, `${JSON.stringify({ type: 'module', version })}\n`);
  await tree.write(`usr/sbin/${name}`, launcher(folder), 0o755);
  await tree.copy(inDeploy(`systemd/${name}.service`), `usr/lib/systemd/system/${name}.service`);
  for (const [file, path] of Object.entries(files)) await tree.copy(inDeploy(file), path);
  for (const { path, packaged } of modules) {
    await tree.copy(path, `${LIBRARY}/${folder}/node_modules/${packaged}`);
  }

  const settings = settingsOf(schema);
  await tree.write(`etc/default/${name}`, defaultFile(name, settings));
  await tree.write(`usr/share/bash-completion/completions/${name}`, bashCompletion(name, settings));
  const page = await readFile(inDeploy(`man/${name}.8`), 'utf8');
  await tree.writeCompressed(`usr/share/man/man8/${name}.8`, manualPage(page, settings, date));
  const npmPackages = [...program.packages, ...modules.map(({ packaged }) => packageOf(packaged))];
  const foreign = npmPackages.filter((npmPackage) => !npmPackage.startsWith('@pageferry/'));
  await tree.write(`usr/share/doc/${name}/copyright`, await copyrightOf([...new Set(foreign)], false));

  return {
    name,
    version,
    architecture: ARCHITECTURE,
    depends: [`pageferry-common (= ${version})`, 'init-system-helpers (>= 1.54)'],
    recommends,
    summary,
    description,
    configuration: [`etc/default/${name}`],
    scripts: serviceScripts(`${name}.service`, state),
  };
}

/** Whose file it is: `@SCOPE/NAME/…` or `NAME/…`. */
function packageOf(file: string): string {
  return file.split('/', file.startsWith('@') ? 2 : 1).join('/');
}

/** The same program for a shell, to check a configuration with. */
function launcher(folder: string): string {
  return `#!/bin/sh\nexec /${LIBRARY}/bin/node /${LIBRARY}/${folder}/agent.js "$@"\n`;
}
