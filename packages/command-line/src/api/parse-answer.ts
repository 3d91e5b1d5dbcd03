import { PageferryError } from '@pageferry/errors';
import type { Static, TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { printable } from './printable.js';

/** An answer, and the parts of it that this command knows. */
export interface Answered<V> {
  /** As it came, for `--json`. */
  readonly whole: unknown;
  readonly value: V;
}
export type Answer<T extends TSchema> = Answered<Static<T>>;

/** Error: `protocol-violation`, for what no agent's API answers. */
export function parseAnswer<T extends TSchema>(schema: T, text: string, url: string): Answer<T> {
  const whole = parseJson(text);
  if (Value.Check(schema, whole)) return { whole, value: whole };
  const first = Value.Errors(schema, whole).First();
  const where = first === undefined || first.path === '' ? '' : ` (${first.path}: ${first.message})`;
  throw new PageferryError(
    'protocol-violation',
    `What ${url} answered is not what the API of a pageferry agent answers${where}: check --api, and that the versions ` +
      'of this command and the agent fit together',
  );
}

/** Undefined for what is no JSON; no text in it can steer a terminal. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (_key, value: unknown) => (typeof value === 'string' ? printable(value) : value));
  } catch {
    return undefined;
  }
}
