import type { Problem } from './schemas.js';

const PREFIX = 'urn:pageferry:error:';

/** The agent's answer was a problem document. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;
  /** Of the HTTP answer. */
  readonly status: number;

  constructor(problem: Problem, status: number) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
    this.status = status;
  }

  /** Of pageferry's table of errors; undefined for a problem that has another origin. */
  get code(): string | undefined {
    return codeOf(this.problem);
  }
}

export function codeOf({ type }: Problem): string | undefined {
  return type.startsWith(PREFIX) ? type.slice(PREFIX.length) : undefined;
}
