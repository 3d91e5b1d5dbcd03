import { daemonSettings } from '@pageferry/daemon';
import { Type, type Static } from '@sinclair/typebox';

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
    apiHost: Type.String({ default: '127.0.0.1', description: 'Address of the HTTP API' }),
    apiPort: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 7412,
      description: 'Port of the HTTP API; 0 takes a free one',
    }),
    guestDirectory: Type.String({
      default: '/run/pageferry/guests',
      description: 'Directory with the QMP sockets of waiting QEMUs, NAME.sock each',
    }),
    stateDirectory: Type.String({
      default: '/var/lib/pageferry/destination',
      description: 'Directory for the journals, which must survive a restart of the host',
    }),
    runtimeDirectory: Type.String({
      default: '/run/pageferry/destination',
      description: "Directory for sockets between this agent and QEMU; QEMU's user must be able to use it",
    }),
    windowBytes: Type.Integer({
      minimum: 2 * 1024 * 1024,
      maximum: 64 * 1024 * 1024,
      default: 8 * 1024 * 1024,
      description: 'Bytes that a source may have in flight',
    }),
  },
  { additionalProperties: false },
);

export type DestinationConfiguration = Static<typeof destinationSettings>;
