import { KindGuard, type TSchema } from '@sinclair/typebox';
import { Value, ValueErrorType, type ValueError } from '@sinclair/typebox/value';

/** A client that sends nonsense gets no more of it back than this. */
const MOST_FINDINGS = 50;

/**
 * Everything about `value` that does not fit `schema`, one sentence each, led by the path of the key:
 * `destination.port: expected integer`.
 *
 * @param root what the value as a whole is called.
 */
export function findingsOf(schema: TSchema, value: unknown, root: string): string[] {
  const findings = new Map<string, string>();
  for (const error of Value.Errors(schema, value)) {
    // A missing key is reported twice, first as missing, then as of the wrong type.
    if (findings.has(error.path)) continue;
    if (findings.size === MOST_FINDINGS) {
      findings.set('', 'and more');
      break;
    }
    findings.set(error.path, `${dottedPath(error.path) || root}: ${describe(error)}`);
  }
  return [...findings.values()];
}

function describe({ type, schema, message }: ValueError): string {
  if (type === ValueErrorType.ObjectAdditionalProperties) return 'there is no such key';
  if (type === ValueErrorType.ObjectRequiredProperty) return 'is missing';
  const literals = literalsOf(schema);
  if (literals !== undefined) return `expected one of ${literals.join(', ')}`;
  return message.charAt(0).toLowerCase() + message.slice(1);
}

/** The values that a union of literals allows; undefined for any other schema. */
export function literalsOf(schema: TSchema): string[] | undefined {
  if (!KindGuard.IsUnion(schema)) return undefined;
  const literals = schema.anyOf
    .filter((option) => KindGuard.IsLiteral(option))
    .map(({ const: value }) => String(value));
  return literals.length === schema.anyOf.length ? literals : undefined;
}

function dottedPath(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.');
}
