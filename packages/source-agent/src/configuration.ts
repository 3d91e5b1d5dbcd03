import { apiSecuritySettings, daemonSettings, requireTrustedDirectories, secureApi } from '@pageferry/daemon';
import { Type, type Static } from '@sinclair/typebox';
import { requireWholeIdentity, streamIdentitySettings } from './stream-identity.js';

export const sourceSettings = Type.Object(
  {
    ...daemonSettings,
    apiHost: Type.String({ default: '127.0.0.1', description: 'Address of the HTTP API' }),
    apiPort: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 7410,
      description: 'Port of the HTTP API; 0 takes a free one',
    }),
    ...apiSecuritySettings,
    ...streamIdentitySettings,
    guestDirectory: Type.String({
      default: '/run/pageferry/guests',
      description: 'Directory with the QMP sockets of guests, NAME.sock each',
    }),
    libvirtUri: Type.String({
      default: '',
      pattern: '^$|^[a-z][a-z0-9+]*://',
      description:
        'Of the libvirt of this host whose domains are guests, too, as qemu:///system; empty: none',
    }),
    stateDirectory: Type.String({
      default: '/var/lib/pageferry/source',
      description: 'Directory for the journals, which must survive a restart of the host',
    }),
    runtimeDirectory: Type.String({
      default: '/run/pageferry/source',
      description: "Directory for sockets between this agent and QEMU; QEMU's user must be able to use it",
    }),
    maxConcurrentMigrations: Type.Integer({
      minimum: 1,
      maximum: 64,
      default: 4,
      description: 'Most migrations out of this host at once; more are refused',
    }),
    windowBytes: Type.Integer({
      minimum: 1024 * 1024,
      maximum: 64 * 1024 * 1024,
      default: 8 * 1024 * 1024,
      description: 'Most bytes in flight, if the destination allows as many',
    }),
    sentPagesBytes: Type.Integer({
      minimum: 0,
      maximum: 4 * 1024 * 1024 * 1024,
      default: 32 * 1024 * 1024,
      description:
        'Most memory, for each migration, to remember hot pages in, so that only what changes is sent',
    }),
    contentBytes: Type.Integer({
      minimum: 0,
      maximum: 64 * 1024 * 1024 * 1024,
      default: 256 * 1024 * 1024,
      description:
        'Most memory, for each gang, for contents that its guests have in common, if the destination allows as much',
    }),
    storageBytesPerSecond: Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000_000,
      default: 256 * 1024 * 1024,
      description:
        "Most that is read of a guest's disks, bytes a second, to find the pages of a guest that cannot be looked into; 0: they are not searched",
    }),
    prepareSeconds: Type.Integer({
      minimum: 1,
      maximum: 3600,
      default: 120,
      description:
        'How long the destination may take to have a QEMU ready: half a minute more than its qemuStartSeconds',
    }),
    reconnectSeconds: Type.Integer({
      minimum: 1,
      default: 86_400,
      description: 'How long a broken connection is tried again after the hand-over',
    }),
  },
  { additionalProperties: false },
);

requireWholeIdentity(sourceSettings);
secureApi(sourceSettings);
requireTrustedDirectories(sourceSettings);

export type SourceConfiguration = Static<typeof sourceSettings>;
