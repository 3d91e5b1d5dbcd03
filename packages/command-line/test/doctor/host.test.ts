import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkMemoryAccess } from '../../src/doctor/memory-access.js';
import { checkQemu } from '../../src/doctor/qemu.js';
import { checkUserfaultfd } from '../../src/doctor/userfaultfd.js';

const setting = '/proc/sys/vm/unprivileged_userfaultfd';
const scope = '/proc/sys/kernel/yama/ptrace_scope';
const status = '/proc/self/status';
const withPtrace = 'CapInh:\t0\nCapEff:\t0000000000080000\n';
const without = 'CapInh:\t0\nCapEff:\t0000000000000000\n';

const host = (files: Readonly<Record<string, string>>, userId = 1000, usable: readonly string[] = []) => ({
  read: (path: string) => files[path],
  canUse: (path: string) => usable.includes(path),
  userId,
});

describe('userfaultfd', () => {
  test.each([
    ['is there for everybody', host({ [setting]: '1\n' }), true],
    ['is there for root', host({ [setting]: '0\n' }, 0), true],
    ['is there through its device', host({ [setting]: '0\n' }, 1000, ['/dev/userfaultfd']), true],
    ['is forbidden', host({ [setting]: '0\n' }), false],
    ['is not in the kernel', host({}), false],
  ])('%s', (_what, files, ok) => {
    const finding = checkUserfaultfd(files);
    expect(finding.ok).toBe(ok);
    expect(finding.fix === undefined).toBe(ok);
  });
});

describe("permission to read QEMU's memory", () => {
  test.each([
    ['comes with the capability', host({ [scope]: '1', [status]: withPtrace }), true],
    ['comes with the same user', host({ [scope]: '0', [status]: without }), true],
    ['comes with a kernel without yama', host({ [status]: without }), true],
    ['lacks', host({ [scope]: '1', [status]: without }), false],
    ['is nobody’s', host({ [scope]: '3', [status]: withPtrace }), false],
  ])('%s', (_what, files, ok) => {
    const finding = checkMemoryAccess(files);
    expect(finding.ok).toBe(ok);
    expect(finding.fix === undefined).toBe(ok);
  });
});

test.each([
  ['10.0.2 (Debian 1:10.0.2)', true],
  ['8.2.0', true],
  ['8.1.9', false],
  ['7.2.22', false],
])('QEMU %s is new enough: %s', async (version, ok) => {
  const directory = await mkdtemp(join(tmpdir(), 'pageferry-doctor-'));
  try {
    const program = join(directory, 'qemu');
    await writeFile(program, `#!/bin/sh\necho 'QEMU emulator version ${version}'\n`);
    await chmod(program, 0o755);
    expect((await checkQemu(['/nonexistent', program])).ok).toBe(ok);
  } finally {
    await rm(directory, { recursive: true });
  }
});
