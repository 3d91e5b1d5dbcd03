import { Problem } from '@pageferry/daemon';
import { Value } from '@sinclair/typebox/value';
import type { JsonResponse } from './http-json.js';

/** What an API answered in place of what it was asked for. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.type}: ${problem.detail}`);
    this.problem = problem;
  }
}

/** The body of a good answer. Error: {@link ProblemError}, or that the answer is not even a problem document. */
export function bodyOf(response: JsonResponse): unknown {
  const { status, contentType, body } = response;
  if (status < 400) return body;
  if (contentType.startsWith('application/problem+json') && Value.Check(Problem, body)) {
    throw new ProblemError(body);
  }
  throw new Error(`status ${status} without a problem document: ${JSON.stringify(body)}`);
}
