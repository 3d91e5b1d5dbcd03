import { PageferryError } from '@pageferry/errors';
import { KindGuard, type Static, type TSchema } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { Value } from '@sinclair/typebox/value';
import type { FastifySchemaCompiler, FastifyTypeProvider } from 'fastify';
import { findingsOf } from './findings.js';

/** Gives the handlers of a fastify server the types of its TypeBox schemas. */
export interface TypeBoxTypeProvider extends FastifyTypeProvider {
  readonly validator: this['schema'] extends TSchema ? Static<this['schema']> : unknown;
  readonly serializer: this['schema'] extends TSchema ? Static<this['schema']> : unknown;
}

/**
 * Checks requests with TypeBox: fills in defaults, and lists everything that does not fit.
 * A body is taken as it is; the parts of a URL and headers, which are text, are first converted to the types
 * of their schemas.
 */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart = 'body' }) => {
  const check = TypeCompiler.Compile(schema);
  return (received: unknown) => {
    // A body that is not there comes as null; its schema may have a default for that.
    const value = Value.Default(
      schema,
      httpPart === 'body' ? (received ?? undefined) : Value.Convert(schema, received),
    );
    if (check.Check(value)) return { value };
    const findings = findingsOf(schema, value, httpPart);
    return { error: new PageferryError('request-invalid', findings.join('; '), { findings }) };
  };
};

/** @throws Error if the schema of a body would let unknown keys pass. */
export function refuseOpenBody(url: string, body: unknown): void {
  if (KindGuard.IsObject(body) && body.additionalProperties !== false) {
    throw new Error(`The body of ${url} must be declared with additionalProperties: false`);
  }
}
