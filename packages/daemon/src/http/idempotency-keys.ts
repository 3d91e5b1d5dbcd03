import { createHash } from 'node:crypto';
import { PageferryError } from '@pageferry/errors';
import { Type } from '@sinclair/typebox';

/** The header with a client's own name for a request, which then is carried out once only. */
export const idempotencyHeaders = {
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      pattern: '^[!-~]+$',
      description: 'The same key with the same body is answered again, and nothing is done again',
    }),
  ),
};

const MOST_KEYS = 1000;

interface Remembered<Answer> {
  readonly digest: string;
  readonly answer: Promise<Answer>;
}

/** Answers of requests that must not be carried out twice, by their keys; of very many the oldest are forgotten. */
export class IdempotencyKeys<Answer> {
  readonly #byKey = new Map<string, Remembered<Answer>>();

  /**
   * The first answer to `key`. A request that failed has done nothing: it may be tried again.
   * @throws `idempotency-key-reused` if the body was another one then, and what `work` does
   */
  async once(key: string | undefined, body: unknown, work: () => Promise<Answer>): Promise<Answer> {
    if (key === undefined) return work();
    const digest = createHash('sha256').update(JSON.stringify(body)).digest('base64');
    const before = this.#byKey.get(key);
    if (before !== undefined) {
      if (before.digest === digest) return before.answer;
      throw new PageferryError(
        'idempotency-key-reused',
        'another request came with this key: give each request of its own a key of its own',
      );
    }
    const answer = work();
    this.#byKey.set(key, { digest, answer });
    const [oldest] = this.#byKey.keys();
    if (this.#byKey.size > MOST_KEYS && oldest !== undefined) this.#byKey.delete(oldest);
    answer.catch(() => this.#byKey.delete(key));
    return answer;
  }
}
