import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSecretFile, readSettingFile, settingPath } from '../../src/security/setting-file.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const setting = 'apiTokenFile';

describe('settingPath', () => {
  it('is the path itself, or the credential of the systemd unit', () => {
    expect(settingPath({ setting, value: '/etc/token' }, '/run/credentials/unit')).toBe('/etc/token');
    expect(settingPath({ setting, value: 'credential:token' }, '/run/credentials/unit')).toBe(
      '/run/credentials/unit/token',
    );
  });

  it.each(['../token', 'a/b', '', '.hidden', 'x'.repeat(256)])('refuses the credential %j', (name) => {
    expect(() => settingPath({ setting, value: `credential:${name}` }, '/run/credentials/unit')).toThrow(
      /^apiTokenFile: .* cannot be the name of a credential/,
    );
  });

  it('says what a unit without the credential needs', () => {
    expect(() => settingPath({ setting, value: 'credential:token' }, '')).toThrow(
      /LoadCredential=token:FILE/,
    );
  });
});

describe('a file of the configuration', () => {
  it('is read, also through a link', async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, 'secret'), 'content', { mode: 0o640 });
    await symlink('secret', join(directory, 'link'));
    expect(readSecretFile({ setting, value: join(directory, 'link') })).toBe('content');
  });

  it('is not read as a secret while every user of the host may', async () => {
    const value = join(await temporaryDirectory(), 'secret');
    await writeFile(value, 'content');
    await chmod(value, 0o644);
    expect(() => readSecretFile({ setting, value })).toThrow(
      expect.objectContaining({
        code: 'configuration-invalid',
        message: `${setting}: ${value} is open to every user of this host: chmod o= ${value}`,
      }),
    );
    expect(readSettingFile({ setting, value })).toBe('content');
  });

  it('is a finding if there is none, or something else, or far too much', async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, 'folder'));
    await writeFile(join(directory, 'large'), Buffer.alloc(1024 * 1024 + 1));
    const readingOf = (name: string) => (): string =>
      readSettingFile({ setting, value: join(directory, name) });
    expect(readingOf('none')).toThrow(/^apiTokenFile: ENOENT/);
    expect(readingOf('folder')).toThrow(/is no file/);
    expect(readingOf('large')).toThrow(/is larger than/);
  });
});
