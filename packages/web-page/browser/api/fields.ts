/** An answer that is not what an agent's API answers. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
}

/** Reads one value of an answer, or throws {@link UnexpectedAnswer}. */
export type Reader<T> = (value: unknown) => T;

export const text: Reader<string> = (value) => {
  if (typeof value === 'string') return value;
  throw new UnexpectedAnswer('a text was expected');
};

export const amount: Reader<number> = (value) => {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new UnexpectedAnswer('a number was expected');
};

export const truth: Reader<boolean> = (value) => {
  if (typeof value === 'boolean') return value;
  throw new UnexpectedAnswer('true or false was expected');
};

/** A value that may be null or left out. */
export const optional =
  <T>(read: Reader<T>): Reader<T | undefined> =>
  (value) =>
    value === undefined || value === null ? undefined : read(value);

export const list =
  <T>(read: Reader<T>): Reader<readonly T[]> =>
  (value) => {
    if (Array.isArray(value)) return value.map((item: unknown) => read(item));
    throw new UnexpectedAnswer('a list was expected');
  };

/** An object whose values are all of one kind, in its order. */
export const entries =
  <T>(read: Reader<T>): Reader<readonly (readonly [string, T])[]> =>
  (value) => {
    if (isObject(value)) return Object.entries(value).map(([key, item]) => [key, read(item)] as const);
    throw new UnexpectedAnswer('an object was expected');
  };

/** An object: `build` asks for its fields by name. */
export const object =
  <T>(build: (field: <F>(name: string, read: Reader<F>) => F) => T): Reader<T> =>
  (value) => {
    if (!isObject(value)) throw new UnexpectedAnswer('an object was expected');
    return build((name, read) => {
      try {
        return read(value[name]);
      } catch (thrown) {
        if (!(thrown instanceof UnexpectedAnswer)) throw thrown;
        throw new UnexpectedAnswer(`${name}: ${thrown.message}`);
      }
    });
  };

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
