import { Type, type Static, type TSchema } from '@sinclair/typebox';
import { TypeCompiler, type TypeCheck } from '@sinclair/typebox/compiler';
import { Packr } from 'msgpackr';
import { PageferryError, asPageferryError, type SerializedError } from '@pageferry/errors';
import { ComparedDisk, MAX_DISKS, SampledDisk, WireDisk } from './disks.js';
import { FrameKind, MAX_FRAME_BYTES } from './frame-header.js';
import { isPlainMsgpack } from './plain-msgpack.js';

/** Versions of the protocol that this software speaks. */
export const PROTOCOL_VERSIONS = { lowest: 1, highest: 1 } as const;

const closed = { additionalProperties: false } as const;

const WireError = Type.Object(
  {
    code: Type.String({ maxLength: 64 }),
    message: Type.String({ maxLength: 16_384 }),
    host: Type.Optional(Type.Union([Type.Literal('source'), Type.Literal('destination')])),
    findings: Type.Optional(Type.Array(Type.String({ maxLength: 4096 }), { maxItems: 256 })),
  },
  closed,
);

export const MigrationMode = Type.Union([
  Type.Literal('precopy'),
  Type.Literal('postcopy'),
  Type.Literal('hybrid'),
]);
export type MigrationMode = Static<typeof MigrationMode>;

/** How long the destination's part of the pause took, in ms. */
const RunningTimings = Type.Object(
  {
    /** From the last byte of device state received to QEMU's word that it has loaded all. */
    load: Type.Number({ minimum: 0 }),
    /** The two journal entries, `ready` and `owner`. */
    journal: Type.Number({ minimum: 0 }),
    /** QMP `cont`, in which QEMU takes the disk images over. */
    resume: Type.Number({ minimum: 0 }),
  },
  closed,
);
export type RunningTimings = Static<typeof RunningTimings>;

const schemas = {
  hello: Type.Object(
    {
      type: Type.Literal('hello'),
      lowest: Type.Integer({ minimum: 1 }),
      highest: Type.Integer({ minimum: 1 }),
      software: Type.String({ maxLength: 64 }),
      migration: Type.String({ pattern: '^[0-9a-f-]{36}$' }),
      resume: Type.Boolean(),
    },
    // A newer peer may say more in its hello; what it says matters only once a version is agreed on.
    { additionalProperties: true },
  ),
  welcome: Type.Object(
    {
      type: Type.Literal('welcome'),
      version: Type.Integer({ minimum: 1 }),
      software: Type.String({ maxLength: 64 }),
      window: Type.Integer({ minimum: MAX_FRAME_BYTES }),
      /** On a shared connection: contents that the destination keeps for references, bytes. */
      contentBytes: Type.Optional(Type.Integer({ minimum: 0 })),
    },
    closed,
  ),
  refused: Type.Object({ type: Type.Literal('refused'), error: WireError }, closed),
  prepare: Type.Object(
    {
      type: Type.Literal('prepare'),
      guest: Type.String({ maxLength: 128 }),
      mode: MigrationMode,
      /** A `MachineDescription` of packages/qemu, which checks it. */
      machine: Type.Unknown(),
      /** Whether pages may come from disks that both hosts share. */
      storage: Type.Optional(Type.Boolean()),
    },
    closed,
  ),
  prepared: Type.Object(
    {
      type: Type.Literal('prepared'),
      /** Disks that the destination can read blocks of. */
      disks: Type.Optional(Type.Array(WireDisk, { maxItems: MAX_DISKS })),
    },
    closed,
  ),
  examine: Type.Object(
    {
      type: Type.Literal('examine'),
      guest: Type.String({ maxLength: 128 }),
      mode: MigrationMode,
      /** As in `prepare`. */
      machine: Type.Unknown(),
      /** The guest's disks, if pages may come from disks that both hosts share. */
      disks: Type.Optional(Type.Array(SampledDisk, { maxItems: MAX_DISKS })),
    },
    closed,
  ),
  examined: Type.Object(
    {
      type: Type.Literal('examined'),
      /** What keeps the guest from moving, one sentence each. */
      findings: Type.Array(Type.String({ maxLength: 4096 }), { maxItems: 256 }),
      /** The destination's: a `MachineDescription` of packages/qemu, which checks it. */
      machine: Type.Unknown(),
      /** What each of `examine.disks` was compared with, in their order; left out where the destination reads no disks. */
      disks: Type.Optional(Type.Array(ComparedDisk, { maxItems: MAX_DISKS })),
    },
    closed,
  ),
  stale: Type.Object({ type: Type.Literal('stale'), pages: Type.Integer({ minimum: 0 }) }, closed),
  deviceState: Type.Object(
    {
      type: Type.Literal('device-state'),
      bytes: Type.Integer({ minimum: 1, maximum: 256 * 1024 * 1024 }),
      postcopy: Type.Boolean(),
    },
    closed,
  ),
  ready: Type.Object({ type: Type.Literal('ready') }, closed),
  handOver: Type.Object({ type: Type.Literal('hand-over'), run: Type.Boolean() }, closed),
  running: Type.Object({ type: Type.Literal('running'), timings: RunningTimings }, closed),
  returned: Type.Object({ type: Type.Literal('returned'), error: WireError }, closed),
  allSent: Type.Object({ type: Type.Literal('all-sent') }, closed),
  completed: Type.Object({ type: Type.Literal('completed') }, closed),
  abort: Type.Object({ type: Type.Literal('abort'), error: WireError }, closed),
  aborted: Type.Object({ type: Type.Literal('aborted') }, closed),
  failed: Type.Object({ type: Type.Literal('failed'), error: WireError }, closed),
  standing: Type.Object(
    {
      type: Type.Literal('standing'),
      phase: Type.Union([Type.Literal('owner'), Type.Literal('returned'), Type.Literal('unknown')]),
      /** Whether QEMU has every page and the migration is over on the destination. */
      completed: Type.Boolean(),
      /** Pages that the destination still lacks; as many follow in `stale` frames. */
      missing: Type.Integer({ minimum: 0 }),
      /** Why the destination gave up a guest that it has: it asks for nothing any more. */
      error: Type.Optional(WireError),
    },
    closed,
  ),
} as const satisfies Record<string, TSchema>;

export type ControlMessage = {
  [Name in keyof typeof schemas]: Static<(typeof schemas)[Name]>;
}[keyof typeof schemas];
export type ControlType = ControlMessage['type'];
export type ControlOf<T extends ControlType> = Extract<ControlMessage, { type: T }>;

const compiled: ReadonlyMap<string, TypeCheck<TSchema>> = new Map(
  Object.values(schemas).map((schema) => [
    schema.properties.type.const,
    TypeCompiler.Compile<TSchema>(schema),
  ]),
);

const packr = new Packr({ useRecords: false, mapsAsObjects: true });

/** One control message as a frame. */
export function encodeControl(message: ControlMessage): Buffer {
  const body = packr.pack(message);
  if (body.length + 1 > MAX_FRAME_BYTES) {
    throw new PageferryError(
      'internal',
      `the control message "${message.type}" is ${body.length} bytes long`,
    );
  }
  return Buffer.concat([Buffer.of(FrameKind.control), body]);
}

/** Reads and checks a control frame. Error: `protocol-violation`, which says what was wrong. */
export function decodeControl(frame: Buffer): ControlMessage {
  const message = unpack(frame);
  const type =
    typeof message === 'object' && message !== null && 'type' in message ? message.type : undefined;
  if (isControlMessage(message, type)) return message;
  const schema = typeof type === 'string' ? compiled.get(type) : undefined;
  if (schema === undefined) {
    throw new PageferryError('protocol-violation', 'a control message of unknown type arrived');
  }
  const first = schema.Errors(message).First();
  throw new PageferryError(
    'protocol-violation',
    `the control message "${String(type)}" is not valid at "${first?.path ?? ''}": ${first?.message ?? 'no reason'}`,
  );
}

function isControlMessage(message: unknown, type: unknown): message is ControlMessage {
  return typeof type === 'string' && (compiled.get(type)?.Check(message) ?? false);
}

function unpack(frame: Buffer): unknown {
  if (!isPlainMsgpack(frame, 1)) {
    throw new PageferryError(
      'protocol-violation',
      'a control message is not msgpack, or has more in it than maps, arrays, strings and numbers',
    );
  }
  try {
    // A typed copy: msgpackr's own return type is `any`.
    const message: unknown = packr.unpack(frame.subarray(1));
    return message;
  } catch (thrown) {
    throw new PageferryError('protocol-violation', 'a control message is not msgpack', { cause: thrown });
  }
}

/** What the other host reported, as an error of ours. */
export function errorFromWire(error: Static<typeof WireError>): PageferryError {
  return PageferryError.fromJSON(error);
}

/** What we send of an error, less than we take: three bytes for each character still fit into a frame. */
const SENT = { message: 16_384, findings: 128, finding: 1024 } as const;

/** An error of ours, cut to what a control message may carry. */
export function errorForWire(thrown: unknown): SerializedError {
  const error = asPageferryError(thrown).toJSON();
  return {
    ...error,
    message: error.message.slice(0, SENT.message),
    ...(error.findings === undefined
      ? {}
      : {
          findings: findingsForWire(error.findings),
        }),
  };
}

/** Findings, cut to what a control message may carry. */
export function findingsForWire(findings: readonly string[]): string[] {
  return findings.slice(0, SENT.findings).map((finding) => finding.slice(0, SENT.finding));
}

/** The version to speak with a peer that knows `lowest` to `highest`. Error: `protocol-version`. */
export function chooseVersion(peer: { readonly lowest: number; readonly highest: number }): number {
  const version = Math.min(peer.highest, PROTOCOL_VERSIONS.highest);
  if (version < peer.lowest || version < PROTOCOL_VERSIONS.lowest) {
    throw new PageferryError(
      'protocol-version',
      `the source speaks protocol versions ${peer.lowest} to ${peer.highest}, this destination ` +
        `${PROTOCOL_VERSIONS.lowest} to ${PROTOCOL_VERSIONS.highest}: run the same release of pageferry on both hosts`,
    );
  }
  return version;
}
