/** For an answer of a guest that has nothing to do for it. */
export const answerDeadlineMs = 30_000;

/** The numbers in an answer of the workload: `KEY=VALUE...`. */
export function numbersOf(answer: string): (name: string) => number {
  const values = new Map(
    answer.split(' ').map((field) => [field.split('=')[0], Number(field.split('=')[1])]),
  );
  return (name) => {
    const value = values.get(name);
    if (value === undefined || Number.isNaN(value))
      throw new Error(`no number ${name} in the answer "${answer}"`);
    return value;
  };
}
