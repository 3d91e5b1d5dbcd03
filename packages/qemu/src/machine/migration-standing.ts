import { Type } from '@sinclair/typebox';
import type { QmpClient, QmpOptions } from '../qmp/qmp-client.js';

/** How a QEMU's own migration stands, into it or out of it. */
export interface MigrationStanding {
  /** One of QEMU's MigrationStatus (qapi/migration.json); `none` before the first migration. */
  readonly status: string;
  /** Why it failed, if QEMU says so. */
  readonly failure: string | undefined;
  /** Why QEMU itself would refuse to migrate this guest now. */
  readonly blockedReasons: readonly string[];
}

const MigrationInfo = Type.Object({
  status: Type.Optional(Type.String()),
  'error-desc': Type.Optional(Type.String()),
  'blocked-reasons': Type.Optional(Type.Array(Type.String())),
});

export async function migrationStanding(qmp: QmpClient, options?: QmpOptions): Promise<MigrationStanding> {
  const info = await qmp.executeAs(MigrationInfo, 'query-migrate', undefined, options);
  return {
    status: info.status ?? 'none',
    failure: info['error-desc'],
    blockedReasons: info['blocked-reasons'] ?? [],
  };
}
