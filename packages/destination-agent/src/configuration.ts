import { apiSecuritySettings, daemonSettings, requireTrustedDirectories, secureApi } from '@pageferry/daemon';
import { Type, type Static } from '@sinclair/typebox';
import { driverSettings, requireUnitDirectory } from './drivers/settings.js';
import { secureStream, streamSecuritySettings } from './stream-security.js';

export const destinationSettings = Type.Object(
  {
    ...daemonSettings,
    streamHost: Type.String({ default: '127.0.0.1', description: 'Address that source agents connect to' }),
    streamPort: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 7411,
      description: 'Port that source agents connect to; 0 takes a free one',
    }),
    ...streamSecuritySettings,
    apiHost: Type.String({ default: '127.0.0.1', description: 'Address of the HTTP API' }),
    apiPort: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 7412,
      description: 'Port of the HTTP API; 0 takes a free one',
    }),
    ...apiSecuritySettings,
    ...driverSettings,
    stateDirectory: Type.String({
      default: '/var/lib/pageferry/destination',
      description: 'Directory for the journals, which must survive a restart of the host',
    }),
    runtimeDirectory: Type.String({
      default: '/run/pageferry/destination',
      description: "Directory for sockets between this agent and QEMU; QEMU's user must be able to use it",
    }),
    maxConcurrentMigrations: Type.Integer({
      minimum: 1,
      maximum: 64,
      default: 4,
      description: 'Most migrations into this host at once; more are refused',
    }),
    windowBytes: Type.Integer({
      minimum: 2 * 1024 * 1024,
      maximum: 64 * 1024 * 1024,
      default: 8 * 1024 * 1024,
      description: 'Bytes that a source may have in flight',
    }),
    contentBytes: Type.Integer({
      minimum: 0,
      maximum: 64 * 1024 * 1024 * 1024,
      default: 512 * 1024 * 1024,
      description:
        'Most memory for contents that the pages of gangs have in common, to get them only once; each gang takes half of what is free',
    }),
    storage: Type.Boolean({
      default: true,
      description:
        "Whether a guest's page cache may come from a disk that both hosts share, read by qemu-nbd: its images must be readable for this agent",
    }),
    storageBytesPerSecond: Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000_000,
      default: 0,
      description: 'Most that is read of shared disks for one guest, bytes a second; 0 for no limit',
    }),
  },
  { additionalProperties: false },
);

secureStream(destinationSettings);
secureApi(destinationSettings);
requireTrustedDirectories(destinationSettings);
requireUnitDirectory(destinationSettings);

export type DestinationConfiguration = Static<typeof destinationSettings>;
