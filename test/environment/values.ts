/** Checked access to what comes from outside, where a wrong shape is a bug that must show at once. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function fieldsOf(value: unknown): Fields {
  if (!isFields(value)) throw new TypeError(`an object was expected: ${JSON.stringify(value)}`);
  return value;
}

export function numberOf(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number') throw new TypeError(`${name} is not a number in ${JSON.stringify(fields)}`);
  return value;
}

export function stringOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new TypeError(`${name} is not a string in ${JSON.stringify(fields)}`);
  return value;
}
