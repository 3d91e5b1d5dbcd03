import { codeOf, ProblemError } from '../api/problem-error.js';

const NOT_FOUND = 404;

/**
 * Does what is to be done with the migration that has an id, or, if none has, with the gang that has it. If there is no such
 * gang either, it is the migration that was not found.
 */
export async function migrationOrGang<T>(migration: () => Promise<T>, gang: () => Promise<T>): Promise<T> {
  try {
    return await migration();
  } catch (notFound) {
    if (!(notFound instanceof ProblemError) || codeOf(notFound.problem) !== 'migration-not-found')
      throw notFound;
    try {
      return await gang();
    } catch (error) {
      throw error instanceof ProblemError && error.status === NOT_FOUND ? notFound : error;
    }
  }
}
