import { onTestFinished, expect, test } from 'vitest';
import { VirshShell } from '../../src/libvirt/virsh-shell.js';

/** To the libvirt that virsh brings along for tests, with one domain, or to none. */
function open(uri = 'test:///default'): VirshShell {
  const shell = new VirshShell(uri);
  onTestFinished(() => {
    shell.close();
  });
  return shell;
}

test('each command has its own answer, however many are given at once', async () => {
  const shell = open();
  const lines = Array.from({ length: 40 }, (_, number) =>
    number % 2 === 0 ? 'domid test' : 'domstate test',
  );
  const answers = await Promise.all(lines.map((line) => shell.run(line)));
  expect(answers.map((answer) => answer.trim())).toEqual(
    lines.map((line) => (line === 'domid test' ? '1' : 'running')),
  );
});

test('an answer may have many lines, and none that virsh repeats of the command', async () => {
  const lines = (await open().run('capabilities')).trim().split('\n');
  expect(lines[0]).toBe('<capabilities>');
  expect(lines.at(-1)).toBe('</capabilities>');
});

test('what libvirt refuses fails with its words, and the next command goes through', async () => {
  const shell = open();
  await expect(shell.run('domstate web2')).rejects.toMatchObject({
    code: 'libvirt-failed',
    message: "failed to get domain 'web2'",
  });
  expect((await shell.run('domstate test')).trim()).toBe('running');
});

test('a command longer than any terminal is wide is taken as a whole', async () => {
  const answer = await open().run(`domstate ${' '.repeat(10_000)} test`);
  expect(answer.trim()).toBe('running');
});

test('a libvirt that cannot be reached is said to be that', async () => {
  const shell = open('qemu+unix:///system?socket=/nowhere/libvirt-sock');
  await expect(shell.run('list')).rejects.toThrow("Failed to connect socket to '/nowhere/libvirt-sock'");
});

test('what waits when it is closed fails, and so does what comes later', async () => {
  const shell = open();
  const waiting = shell.run('list');
  shell.close();
  await expect(waiting).rejects.toMatchObject({ code: 'libvirt-failed' });
  await expect(shell.run('list')).rejects.toMatchObject({ code: 'libvirt-failed' });
});
