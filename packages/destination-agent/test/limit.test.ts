import { randomUUID } from 'node:crypto';
import type { PeerConnection } from '@pageferry/link';
import { expect, test } from 'vitest';
import { anyMachine } from './support/machine.js';
import { helloOf, next, startDestination } from './support/source-side.js';

test('of ten migrations at once only as many come in as are allowed', async () => {
  const { connect, migrations, silentQemu } = await startDestination(undefined, {
    maxConcurrentMigrations: 2,
  });
  const qemu = await silentQemu('web1');
  const begin = async (): Promise<PeerConnection> => {
    const peer = await connect();
    await peer.send(helloOf(randomUUID()));
    await peer.next(['welcome'], next);
    await peer.send({ type: 'prepare', guest: 'web1', mode: 'precopy', machine: anyMachine });
    return peer;
  };
  const peers: PeerConnection[] = [];
  for (let count = 0; count < 10; count++) peers.push(await begin());
  for (const peer of peers.slice(2)) {
    await expect(peer.next(['prepared'], next)).rejects.toMatchObject({
      code: 'too-many-migrations',
      host: 'destination',
    });
  }
  await expect.poll(() => migrations.underway.length).toBe(2);
  await qemu.close();
  await expect.poll(() => migrations.underway).toEqual([]);
  await expect((await begin()).next(['prepared'], next)).rejects.toMatchObject({ code: 'qmp-unreachable' });
});
