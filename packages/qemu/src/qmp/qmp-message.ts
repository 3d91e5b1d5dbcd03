import { PageferryError } from '@pageferry/errors';
import { Type, type Static } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

const GreetingSchema = Type.Object({
  QMP: Type.Object({
    version: Type.Object({
      qemu: Type.Object({ major: Type.Integer(), minor: Type.Integer(), micro: Type.Integer() }),
      package: Type.String(),
    }),
    /** What `qmp_capabilities` may enable. */
    capabilities: Type.Array(Type.String()),
  }),
});

const EventSchema = Type.Object({
  event: Type.String(),
  data: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  timestamp: Type.Object({ seconds: Type.Integer(), microseconds: Type.Integer() }),
});

const ReturnSchema = Type.Object({ return: Type.Unknown(), id: Type.Integer() });

const FailureSchema = Type.Object({
  error: Type.Object({ class: Type.String(), desc: Type.String() }),
  id: Type.Optional(Type.Integer()),
});

/** What a QMP server says first, without its wrapping (docs/interop/qmp-spec.rst). */
export type QmpGreeting = Static<typeof GreetingSchema>['QMP'];

export type QmpEvent = Static<typeof EventSchema>;

export type QmpMessage =
  | { readonly kind: 'greeting'; readonly greeting: QmpGreeting }
  | { readonly kind: 'event'; readonly event: QmpEvent }
  | { readonly kind: 'return'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly id?: number; readonly class: string; readonly desc: string };

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Reads one line of a QMP server; throws `qmp-protocol` for everything that is none. */
export function parseQmpMessage(line: Uint8Array): QmpMessage {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(line));
  } catch (cause) {
    throw new PageferryError('qmp-protocol', `not a line of JSON: ${excerpt(line)}`, { cause });
  }
  if (Value.Check(EventSchema, value)) return { kind: 'event', event: value };
  if (Value.Check(ReturnSchema, value)) return { kind: 'return', id: value.id, value: value.return };
  if (Value.Check(FailureSchema, value)) {
    return { kind: 'failure', ...(value.id === undefined ? {} : { id: value.id }), ...value.error };
  }
  if (Value.Check(GreetingSchema, value)) return { kind: 'greeting', greeting: value.QMP };
  throw new PageferryError('qmp-protocol', `not a QMP message: ${excerpt(line)}`);
}

/** The beginning of what was received, safe to print. */
function excerpt(line: Uint8Array): string {
  const shown = 80;
  const text = Buffer.from(line.subarray(0, shown)).toString('latin1');
  return JSON.stringify(text) + (line.length > shown ? `… (${line.length} bytes)` : '');
}
