import { describe, expect, test } from 'vitest';
import { checkUserfaultfd, type HostView } from '../src/userfaultfd.js';

const setting = '/proc/sys/vm/unprivileged_userfaultfd';
const settings = '/proc/sys/vm';
const device = '/dev/userfaultfd';
const status = '/proc/self/status';
const noCapability = 'Name:\tnode\nCapEff:\t0000000000000000\n';
const ptrace = 'Name:\tnode\nCapEff:\t0000000000080000\n';

const host = (files: Readonly<Record<string, string>>, accessible: readonly string[]): HostView => ({
  read: (path) => Promise.resolve(files[path]),
  may: (path) => Promise.resolve(accessible.includes(path)),
});

describe('userfaultfd', () => {
  test.each([
    ['is there for everybody', host({ [setting]: '1\n', [status]: noCapability }, [settings]), true],
    [
      'is there through its device',
      host({ [setting]: '0\n', [status]: noCapability }, [settings, device]),
      true,
    ],
    ['is there for the privileged', host({ [setting]: '0\n', [status]: ptrace }, [settings]), true],
    ['is not there without privilege', host({ [setting]: '0\n', [status]: noCapability }, [settings]), false],
    ['is not there in a kernel without it', host({ [status]: ptrace }, [settings]), false],
  ])('%s', async (_case, view, ok) => {
    expect(await checkUserfaultfd(view)).toMatchObject({ name: 'userfaultfd', ok });
  });

  test('is not missing for an agent to which its unit shows neither settings nor devices', async () => {
    const check = await checkUserfaultfd(host({ [status]: noCapability }, []));
    expect(check).toMatchObject({ ok: true });
    expect(check.detail).toContain('dry run');
  });
});
