import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, copyFile, readdir, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listDisks } from '../../src/block/disks.js';
import { ImageServer, type ImageServerOptions } from '../../src/block/image-server.js';
import { NbdClient } from '../../src/block/nbd-client.js';
import { BareQemu } from '../support/bare-qemu.js';
import { createImage, qemuImg, testFolder, type TestImage } from '../support/disk-images.js';
import { expectError } from '../support/expect-error.js';
import { exportInformation, greeting, optionReply, REPLY_ACKNOWLEDGED } from '../support/nbd-messages.js';

/** As it is built: another process starts from it. */
const BUILT_PACKAGE = fileURLToPath(new URL('../../dist/index.js', import.meta.url));

async function start(options: ImageServerOptions): Promise<ImageServer> {
  const server = await ImageServer.start(options);
  onTestFinished(() => server.close());
  return server;
}

async function readAll(socketPath: string): Promise<Buffer> {
  const client = await NbdClient.connect(socketPath);
  try {
    const content = Buffer.alloc(client.size);
    const step = 1 << 20;
    for (let offset = 0; offset < content.length; offset += step) {
      const buffer = content.subarray(offset, offset + step);
      await new Promise<void>((resolve, reject) => {
        client.read({
          buffer,
          offset,
          length: buffer.length,
          finished: (error) => {
            if (error === undefined) resolve();
            else reject(error);
          },
        });
      });
    }
    return content;
  } finally {
    client.close();
  }
}

async function expectServed(server: ImageServer, { content }: Pick<TestImage, 'content'>): Promise<void> {
  expect(server.size).toBe(content.length);
  expect((await readAll(server.socketPath)).equals(content)).toBe(true);
}

/** A program that stands in for qemu-nbd. */
async function script(folder: string, lines: readonly string[], interpreter = '/bin/sh'): Promise<string> {
  const path = `${folder}/server`;
  await writeFile(path, [`#!${interpreter}`, ...lines, ''].join('\n'));
  await chmod(path, 0o700);
  return path;
}

describe('an image server', () => {
  it.each([
    ['raw', 'runs', ['-S']],
    ['qcow2', 'runs', ['-S']],
    ['raw', 'waits for', ['-incoming', 'defer']],
    ['qcow2', 'waits for', ['-incoming', 'defer']],
  ] as const)('serves a %s image that a QEMU has open which %s its guest', async (format, _state, args) => {
    const folder = await testFolder();
    const image = await createImage(`${folder}/disk`, format);
    const drive = `file=${image.filename},format=${format},if=virtio`;
    const qemu = await BareQemu.start('-machine', 'pc', '-m', '64', '-drive', drive, ...args);
    onTestFinished(() => qemu.kill());
    const [disk] = await listDisks(qemu.qmp);
    const server = await start({ image: disk ?? expect.fail('it has a disk'), directory: folder });
    await expectServed(server, image);
    await qemu.qmp.execute('query-status');
  });

  it('serves what QEMU has written since', async () => {
    const folder = await testFolder();
    const image = await createImage(`${folder}/disk`, 'raw');
    const drive = `file=${image.filename},format=raw,if=virtio`;
    const qemu = await BareQemu.start('-machine', 'pc', '-m', '64', '-S', '-drive', drive);
    onTestFinished(() => qemu.kill());
    const server = await start({ image, directory: folder });
    await expectServed(server, image);
    await qemu.qmp.execute('human-monitor-command', {
      'command-line': 'qemu-io virtio0 "write -P 90 64k 128k"',
    });
    image.content.fill(90, 65_536, 3 * 65_536);
    await expectServed(server, image);
  });

  it('serves what QEMU has a name of its own for', async () => {
    const folder = await testFolder();
    const image = await createImage(`${folder}/disk`, 'raw');
    const part = 'driver=raw,node-name=part,offset=4096,size=1048576';
    const qemu = await BareQemu.start(
      ...['-machine', 'pc', '-m', '64', '-S', '-device', 'virtio-blk-pci,drive=part'],
      ...['-blockdev', `${part},file.driver=file,file.filename=${image.filename}`],
    );
    onTestFinished(() => qemu.kill());
    const [disk] = await listDisks(qemu.qmp);
    expect(disk?.filename).toContain('json:');
    const server = await start({ image: disk ?? expect.fail('it has a disk'), directory: folder });
    await expectServed(server, { content: image.content.subarray(4096, 4096 + 1_048_576) });
  });

  it('serves an image with its backing chain', async () => {
    const folder = await testFolder();
    const base = await createImage(`${folder}/base`, 'qcow2');
    await qemuImg('create', '-q', '-f', 'qcow2', '-b', 'base', '-F', 'qcow2', `${folder}/overlay`);
    await expectServed(
      await start({ image: { filename: `${folder}/overlay`, format: 'qcow2' }, directory: folder }),
      base,
    );
  });

  it('serves what another server has', async () => {
    const folder = await testFolder();
    const image = await createImage(`${folder}/disk`, 'qcow2');
    const first = await start({ image, directory: folder });
    const filename = `nbd+unix:///?socket=${first.socketPath}`;
    await expectServed(await start({ image: { filename, format: 'raw' }, directory: folder }), image);
  });

  it.each(['--version', '-r', 'a:b', 'a,b=c "d" $(touch e); f', 'nbd'])(
    'takes %s for the name of a file',
    async (name) => {
      const folder = await testFolder();
      const image = await createImage(`${folder}/disk`, 'raw');
      await copyFile(image.filename, `${folder}/${name}`);
      const filename = name.includes(':') ? `${folder}/${name}` : name;
      const server = await start({
        image: { filename, format: 'raw' },
        directory: folder,
        workingDirectory: folder,
      });
      await expectServed(server, image);
      expect(await readdir(folder)).not.toContain('e');
    },
  );

  it('serves several readers at once, none of which can write', async () => {
    const folder = await testFolder();
    const image = await createImage(`${folder}/disk`, 'raw');
    const server = await start({ image, directory: folder, readers: 3 });
    const contents = await Promise.all(Array.from({ length: 3 }, () => readAll(server.socketPath)));
    expect(contents.every((content) => content.equals(image.content))).toBe(true);
    const client = await NbdClient.connect(server.socketPath);
    expect(client.readOnly).toBe(true);
    client.close();
  });

  it('stays when its readers have gone, and ends when it is closed', async () => {
    const folder = await testFolder();
    const image = await createImage(`${folder}/disk`, 'raw');
    const server = await start({ image, directory: folder });
    for (let time = 0; time < 3; time++) await readAll(server.socketPath);
    const client = await NbdClient.connect(server.socketPath);
    await Promise.all([server.close(), server.close()]);
    expect((await client.closed).code).toBe('storage-unreadable');
    expect((await server.ended).message).toContain('has ended');
    expect(existsSync(server.socketPath)).toBe(false);
  });

  it('ends by force if it does not end when it is asked to', async () => {
    const folder = await testFolder();
    const hex = (...messages: Buffer[]): string =>
      `Buffer.from('${Buffer.concat(messages).toString('hex')}', 'hex')`;
    const agreement = hex(exportInformation(4096), optionReply(REPLY_ACKNOWLEDGED));
    const program = await script(
      folder,
      [
        "process.on('SIGTERM', () => undefined);",
        "const path = process.argv.find((arg) => arg.startsWith('--socket=')).slice('--socket='.length);",
        "require('node:net').createServer((socket) => {",
        `  socket.write(${hex(greeting())});`,
        `  socket.once('data', () => socket.write(${agreement}));`,
        "  socket.on('error', () => undefined);",
        '}).listen(path);',
      ],
      process.execPath,
    );
    const server = await start({ image: { filename: 'x', format: 'raw' }, directory: folder, program });
    await server.close();
    expect((await server.ended).message).toContain('SIGKILL');
    expect(existsSync(server.socketPath)).toBe(false);
  });

  it('lets the host cache the image only where the file system insists on it', async () => {
    const folder = await testFolder();
    const image = await createImage(`${folder}/disk`, 'raw');
    const refusal = `qemu-nbd: Could not open '${image.filename}': filesystem does not support O_DIRECT`;
    const program = await script(folder, [
      `case "$*" in *--cache=none*) echo "${refusal}" >&2; exit 1;; esac`,
      'exec qemu-nbd "$@"',
    ]);
    const server = await start({ image, directory: folder, program });
    expect(server.cache).toBe('writeback');
    await expectServed(server, image);
  });

  it.runIf(existsSync('/dev/shm'))('serves an image in memory', async () => {
    const folder = await testFolder('/dev/shm');
    const image = await createImage(`${folder}/disk`, 'qcow2');
    await expectServed(await start({ image, directory: folder }), image);
  });

  it('ends when the process that has started it is killed', async () => {
    const folder = await testFolder();
    const image = await createImage(`${folder}/disk`, 'raw');
    const code = `
      import { ImageServer } from ${JSON.stringify(BUILT_PACKAGE)};
      const image = { filename: ${JSON.stringify(image.filename)}, format: 'raw' };
      const server = await ImageServer.start({ image, directory: ${JSON.stringify(folder)} });
      console.log(server.socketPath);
      setInterval(() => undefined, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 50_000,
      killSignal: 'SIGKILL',
    });
    let socketPath = '';
    for await (const line of createInterface({ input: owner.stdout })) {
      socketPath = line;
      break;
    }
    expect(existsSync(socketPath)).toBe(true);
    const reader = await NbdClient.connect(socketPath);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    // A reader that is still there is served to its end; the last one ends the server.
    reader.close();
    while (existsSync(socketPath)) await new Promise((resolve) => setTimeout(resolve, 10));
  });
});

describe('an image server does not start', () => {
  const cannot = async (text: string, options: Partial<ImageServerOptions> = {}): Promise<void> => {
    const folder = await testFolder();
    const { filename } = await createImage(`${folder}/disk`, 'raw', { bytes: 65_536 });
    await expectError(
      start({ image: { filename, format: 'raw' }, directory: folder, ...options }),
      'storage-unreadable',
      text,
    );
    expect((await readdir(folder)).filter((name) => name.startsWith('image-'))).toEqual([]);
  };

  it('for an image that is not there', async () => {
    await cannot('No such file', { image: { filename: '/nowhere/disk', format: 'raw' } });
  });

  it('for an image that has another format', async () => {
    const folder = await testFolder();
    const { filename } = await createImage(`${folder}/disk`, 'raw');
    await cannot('not in qcow2 format', { image: { filename, format: 'qcow2' } });
  });

  it('for a format that QEMU does not know', async () => {
    await cannot("Unknown driver 'x'", { image: { filename: '/dev/zero', format: 'x' } });
  });

  it('without qemu-nbd', async () => {
    await cannot('is qemu-utils installed?', { program: '/nowhere/qemu-nbd' });
  });

  it('in a folder whose path is too long for a socket', async () => {
    await cannot('too long', { directory: `/tmp/${'x'.repeat(107)}` });
  });

  it('if it does not begin to serve in time', async () => {
    const folder = await testFolder();
    const program = await script(folder, ['exec sleep 50']);
    await cannot('within 200 ms', { program, startTimeoutMs: 200 });
  });

  it('if it only talks', async () => {
    const folder = await testFolder();
    const program = await script(folder, ['head -c 10000000 /dev/zero | tr "\\0" x >&2', 'echo the end >&2']);
    await cannot('the end', { program });
  });

  it('if it is cancelled', async () => {
    const folder = await testFolder();
    const program = await script(folder, ['exec sleep 50']);
    const abort = new AbortController();
    const starting = ImageServer.start({
      image: { filename: '/dev/zero', format: 'raw' },
      directory: folder,
      program,
      signal: abort.signal,
    });
    const reason = new Error('not any more');
    abort.abort(reason);
    await expect(starting).rejects.toBe(reason);
  });
});
