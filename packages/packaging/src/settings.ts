import { flagOf, variableOf } from '@pageferry/daemon';
import { KindGuard, type TObject } from '@sinclair/typebox';

/** A key of a daemon's configuration, for people. */
export interface Setting {
  readonly flag: string;
  readonly variable: string;
  readonly description: string;
  /** Undefined if there is none. */
  readonly byDefault: string | undefined;
  /** All values that it can have, where they are few. */
  readonly values: readonly string[];
}

export function settingsOf(schema: TObject): Setting[] {
  return Object.entries(schema.properties).map(([key, property]) => {
    const byDefault: unknown = property.default;
    const literals = KindGuard.IsUnion(property) ? property.anyOf.filter(KindGuard.IsLiteral) : [];
    return {
      flag: flagOf(key),
      variable: variableOf(key),
      description: property.description ?? '',
      byDefault: typeof byDefault === 'string' ? byDefault : JSON.stringify(byDefault),
      values: KindGuard.IsBoolean(property)
        ? ['true', 'false']
        : literals.map((literal) => String(literal.const)),
    };
  });
}
