import type { ApiClient } from '../api/client.js';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { followMigrationToEnd } from './follow-migration-to-end.js';

export const WAIT_OPTION = ['--wait', 'wait for the end of the migration, and show how it goes'] as const;

export interface SteerFlags {
  readonly wait?: boolean;
}

export interface Steering {
  readonly id: string;
  readonly what: Parameters<ApiClient['steer']>[1];
  readonly body?: unknown;
  /** What the agent has been asked for, in words. */
  readonly asked: string;
}

/** Asks a migration for something; the exit code is that of its end if this is waited for. */
export async function steer(
  session: Session,
  { id, what, body, asked }: Steering,
  { wait = false }: SteerFlags,
): Promise<ExitCode> {
  const { value, whole } = await session.client.steer(id, what, body);
  if (wait) return followMigrationToEnd(session, id);
  session.print(whole, () => [`${id}: ${asked}; its state is ${value.state}`]);
  return exitCodes.done;
}
