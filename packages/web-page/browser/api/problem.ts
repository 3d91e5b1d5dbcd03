import { list, object, optional, text } from './fields.js';

const CODE = /^urn:pageferry:error:([a-z0-9-]+)$/;

/** A problem document (RFC 9457). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly detail: string | undefined;
  /** The side on which it happened. */
  readonly host: string | undefined;
  readonly findings: readonly string[];
}

export const problem = object<Problem>((field) => ({
  type: field('type', text),
  title: field('title', text),
  detail: field('detail', optional(text)),
  host: field('host', optional(text)),
  findings: field('findings', optional(list(text))) ?? [],
}));

/** The code of pageferry's own errors; undefined for others. */
export const codeOf = ({ type }: Problem): string | undefined => CODE.exec(type)?.[1];

/** What the agent refuses. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;
  readonly problem: Problem;

  constructor(status: number, cause: Problem) {
    super(cause.detail ?? cause.title);
    this.status = status;
    this.problem = cause;
  }
}

/** Whatever was thrown, as a problem document. */
export function problemOf(thrown: unknown): Problem {
  if (thrown instanceof Refused) return thrown.problem;
  return {
    type: 'about:blank',
    title: 'The agent could not be asked',
    detail: thrown instanceof Error ? thrown.message : String(thrown),
    host: undefined,
    findings: [],
  };
}
