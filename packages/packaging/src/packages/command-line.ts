import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { promisify } from 'node:util';
import { bundle } from '../bundle.js';
import type { DebianPackage } from '../debian-package.js';
import { helpPage } from '../help-page.js';
import { copyrightOf } from '../licences.js';
import { ARCHITECTURE } from '../native-packages.js';
import { LIBRARY } from '../paths.js';
import type { Contents } from './contents.js';

const NAME = 'pageferry';
const PROGRAM = `${LIBRARY}/command-line/pageferry.js`;

const execute = promisify(execFile);

/** The operator's command. Manual page and completion are what the program itself says. */
export async function fillCommandLine({ tree, version, date }: Contents): Promise<DebianPackage> {
  const program = await bundle('packages/command-line/dist/main.js');
  await tree.write(PROGRAM, program.code);
  await tree.write(
    `${LIBRARY}/command-line/package.json`,
    `${JSON.stringify({ type: 'module', version })}\n`,
  );
  await tree.write('usr/bin/pageferry', `#!/bin/sh\nexec /${LIBRARY}/bin/node /${PROGRAM} "$@"\n`, 0o755);

  const ask = async (...args: string[]): Promise<string> => {
    const { stdout } = await execute(execPath, [join(tree.root, PROGRAM), ...args], {
      env: { COLUMNS: '78', NO_COLOR: '1' },
    });
    return stdout;
  };
  await tree.write(`usr/share/bash-completion/completions/${NAME}`, await ask('completion', 'bash'));
  await tree.writeCompressed(`usr/share/man/man1/${NAME}.1`, await helpPage(NAME, date, ask));
  await tree.write(`usr/share/doc/${NAME}/copyright`, await copyrightOf(program.packages, false));

  return {
    name: NAME,
    version,
    architecture: ARCHITECTURE,
    depends: [`pageferry-common (= ${version})`],
    summary: 'moves running QEMU guests to other hosts: the command',
    description: [
      'Starts, shows and steers migrations of running QEMU guests, by the HTTP API of the source agent.',
    ],
    configuration: [],
    scripts: {},
  };
}
