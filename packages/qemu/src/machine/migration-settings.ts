import { PageferryError } from '@pageferry/errors';
import { Type } from '@sinclair/typebox';
import type { QmpClient, QmpOptions } from '../qmp/qmp-client.js';
import { formatVersion } from './version.js';

export interface MigrationSettings {
  /** By name; one that is to be off may be unknown to QEMU. */
  readonly capabilities?: Readonly<Record<string, boolean>>;
  /** By name, in QEMU's own units. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}

export interface MigrationSettingsOptions extends QmpOptions {
  /** Capabilities and parameters that are left out if QEMU does not know them. */
  readonly optional?: readonly string[];
}

const CapabilitiesSchema = Type.Array(Type.Object({ capability: Type.String(), state: Type.Boolean() }));
const ParametersSchema = Type.Record(Type.String(), Type.Unknown());

export const MigrationSettings = {
  /**
   * Changes what QEMU migrates with. Not while it migrates: QEMU refuses that.
   * @returns puts back what was set before
   * @throws `qemu-too-old` for what this QEMU does not know; nothing is changed then
   */
  async apply(
    qmp: QmpClient,
    settings: MigrationSettings,
    { optional = [], ...options }: MigrationSettingsOptions = {},
  ): Promise<() => Promise<void>> {
    const capabilities = await qmp.executeAs(
      CapabilitiesSchema,
      'query-migrate-capabilities',
      undefined,
      options,
    );
    const before = {
      capabilities: new Map(capabilities.map(({ capability, state }) => [capability, state])),
      parameters: new Map(
        Object.entries(await qmp.executeAs(ParametersSchema, 'query-migrate-parameters', undefined, options)),
      ),
    };
    const wanted = {
      capabilities: Object.entries(settings.capabilities ?? {}).filter(([name, on]) => {
        const known = before.capabilities.has(name);
        if (!known && on && !optional.includes(name)) throw unknown(qmp, 'capability', name);
        return known;
      }),
      parameters: Object.entries(settings.parameters ?? {}).filter(([name]) => {
        const known = before.parameters.has(name);
        if (!known && !optional.includes(name)) throw unknown(qmp, 'parameter', name);
        return known;
      }),
    };
    const restore = async (): Promise<void> => {
      await set(
        qmp,
        wanted.capabilities.map(([name]) => [name, before.capabilities.get(name)]),
        wanted.parameters.map(([name]) => [name, before.parameters.get(name)]),
      );
    };
    try {
      await set(qmp, wanted.capabilities, wanted.parameters, options);
    } catch (error) {
      // What keeps it from being put back is what kept it from being set.
      await restore().catch(() => undefined);
      throw error;
    }
    return restore;
  },
};

async function set(
  qmp: QmpClient,
  capabilities: readonly (readonly [name: string, on: boolean | undefined])[],
  parameters: readonly (readonly [name: string, value: unknown])[],
  options?: QmpOptions,
): Promise<void> {
  if (capabilities.length > 0) {
    const list = capabilities.map(([capability, state]) => ({ capability, state }));
    await qmp.execute('migrate-set-capabilities', { capabilities: list }, options);
  }
  if (parameters.length > 0) {
    await qmp.execute('migrate-set-parameters', Object.fromEntries(parameters), options);
  }
}

function unknown(qmp: QmpClient, kind: string, name: string): PageferryError {
  return new PageferryError(
    'qemu-too-old',
    `QEMU ${formatVersion(qmp.greeting)} does not know the migration ${kind} ${name}; a newer one is needed`,
  );
}
