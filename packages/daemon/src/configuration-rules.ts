import type { Static, TObject } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';

/** All that is wrong with settings that fit their schemas one by one, each led by the key that it is about. */
export type ConfigurationRule<Settings extends TObject> = (settings: Static<Settings>) => readonly string[];

const rulesOf = new WeakMap<TObject, ((configuration: unknown) => readonly string[])[]>();

/**
 * Adds to `schema` what it cannot say itself: how keys fit together, and what must be true of the files that they name.
 * The rule goes with the schema, so that whoever loads a configuration by it, only to check it or to run, has it kept.
 *
 * @param settings the keys that the rule looks at; it is asked once these are valid, whatever the others are
 */
export function addRule<Settings extends TObject>(
  schema: TObject,
  settings: Settings,
  rule: ConfigurationRule<Settings>,
): void {
  const rules = rulesOf.get(schema) ?? [];
  rules.push((configuration) => (Value.Check(settings, configuration) ? rule(configuration) : []));
  rulesOf.set(schema, rules);
}

export function ruleFindings(schema: TObject, configuration: unknown): string[] {
  return (rulesOf.get(schema) ?? []).flatMap((rule) => rule(configuration));
}
