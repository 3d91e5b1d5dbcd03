import type { PageferryError } from '@pageferry/errors';
import { Type, type Static } from '@sinclair/typebox';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** A problem document as in RFC 9457. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'urn:pageferry:error: and the code of the error' }),
    title: Type.String({ description: 'The same for every error of this type' }),
    status: Type.Integer({ description: 'The HTTP status' }),
    detail: Type.String({ description: 'The cause and, where there is one, the way out' }),
    instance: Type.Optional(Type.String({ description: 'What was asked for' })),
    host: Type.Optional(
      Type.Union([Type.Literal('source'), Type.Literal('destination')], {
        description: 'The side of the migration on which it happened',
      }),
    ),
    findings: Type.Optional(
      Type.Array(Type.String(), { description: 'Every finding, where there are several' }),
    ),
  },
  { $id: 'Problem', description: 'A problem document (RFC 9457)' },
);

export type Problem = Static<typeof Problem>;

export interface Occurrence {
  /** What was asked for: the URL of a request. */
  readonly instance?: string | undefined;
  /** The HTTP status, where it is another than the one of the error's code. */
  readonly status?: number | undefined;
}

export function problemOf(
  error: PageferryError,
  { instance, status = error.status }: Occurrence = {},
): Problem {
  return {
    type: `urn:pageferry:error:${error.code}`,
    title: error.title,
    status,
    detail: error.message,
    ...(instance === undefined ? {} : { instance }),
    ...(error.host === undefined ? {} : { host: error.host }),
    ...(error.findings.length === 0 ? {} : { findings: [...error.findings] }),
  };
}
