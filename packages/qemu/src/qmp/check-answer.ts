import { PageferryError } from '@pageferry/errors';
import type { Static, TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

/** `answer` as the schema's type; throws `qemu-unexpected`, which says what of the answer is wrong. */
export function checkAnswer<T extends TSchema>(schema: T, command: string, answer: unknown): Static<T> {
  if (Value.Check(schema, answer)) return answer;
  const wrong = Value.Errors(schema, answer).First();
  const where = wrong === undefined || wrong.path === '' ? 'the answer' : wrong.path;
  throw new PageferryError(
    'qemu-unexpected',
    `${command}: ${where} is not what QEMU documents (${wrong?.message ?? 'it does not fit the schema'})`,
  );
}
