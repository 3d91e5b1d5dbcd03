import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { onTestFinished } from 'vitest';

export const UUID = '7d3b9a52-0c1f-4a43-8a4e-6d7b0a2f9c01';

/** It knows one domain, web1, whose QEMU has the id that stands in the file `id`, or does not run without it. */
const script = (directory: string): string => `#!/bin/sh
cd '${directory}'
echo "$*" >> calls
shift 3
case "$*" in
  'list --uuid --name') [ ! -e id ] || echo '${UUID} web1' ;;
  'list --uuid --name --inactive') [ -e id ] || echo '${UUID} web1' ;;
  dominfo*) cat info ;;
  'dumpxml --inactive'*) echo '<domain><name>web1</name></domain>' ;;
  dumpxml*) cat live ;;
  create*) cp "$3" live; while [ ! -e go ]; do sleep 0.02; done; echo 7 > id ;;
  domid*) if [ -e id ]; then cat id; else echo -; fi ;;
  destroy*) rm id ;;
  qemu-monitor-command*) echo '{"return":{"status":"inmigrate","running":false}}' ;;
esac
`;

/** A libvirt in files, asked by a virsh that the driver finds in its place. */
export class FakeVirsh {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Takes the place of virsh until the test ends. */
  static async install(): Promise<FakeVirsh> {
    const fake = new FakeVirsh(await mkdtemp(join(tmpdir(), 'pageferry-virsh-')));
    await writeFile(join(fake.directory, 'virsh'), script(fake.directory));
    await chmod(join(fake.directory, 'virsh'), 0o755);
    await fake.put('info', 'Managed save:   no\n');
    const path = env['PATH'] ?? '';
    env['PATH'] = `${fake.directory}:${path}`;
    onTestFinished(async () => {
      env['PATH'] = path;
      await rm(fake.directory, { recursive: true, force: true });
    });
    return fake;
  }

  async put(name: 'id' | 'info' | 'go', content = ''): Promise<void> {
    await writeFile(join(this.directory, name), content);
  }

  /** The commands that it was given, with their arguments. */
  async calls(): Promise<string> {
    return readFile(join(this.directory, 'calls'), 'utf8').catch(() => '');
  }
}
