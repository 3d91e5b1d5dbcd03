import { chmod } from 'node:fs/promises';
import { Type } from '@sinclair/typebox';
import { expect, it } from 'vitest';
import { loadConfiguration, requireTrustedDirectories } from '../../src/index.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const schema = Type.Object({ guestDirectory: Type.String(), stateDirectory: Type.String() });
requireTrustedDirectories(schema);

it('refuses directories that every user of the host may write to', async () => {
  const open = await temporaryDirectory();
  await chmod(open, 0o777);
  const load = (guests: string, state: string) => (): unknown =>
    loadConfiguration(schema, {
      name: 'x',
      description: '',
      version: '1',
      argv: ['--guest-directory', guests, '--state-directory', state],
      env: {},
    });
  expect(load(await temporaryDirectory(), '/not/there')).not.toThrow();
  expect(load(open, open)).toThrow(
    `guestDirectory: every user of this host may write to ${open}: chmod o-w ${open}; stateDirectory: every user`,
  );
});
