import type { Guest } from '../guests/guest.js';
import type { GuestHardware } from '../guests/qemu-arguments.js';
import type { DestinationAgent } from './destination-agent.js';
import type { Hypervisor } from './hypervisor.js';
import type { Migration } from './migration.js';
import type { SourceAgent } from './source-agent.js';
import type { MigrationRequest, WaitOptions } from './source-client.js';

/** From where to where. */
export interface Route {
  readonly sourceAgent: SourceAgent;
  readonly destination: Hypervisor;
  readonly destinationAgent: DestinationAgent;
}

export type MoveOptions = Omit<MigrationRequest, 'guest' | 'destination'> & WaitOptions;

export interface MovedGuest {
  readonly source: Guest;
  readonly destination: Guest;
  readonly migration: Migration;
}

const moveDeadlineMs = 120_000;

/** Starts the QEMU on the other host that an equal guest can come into; `memoryBackend` where its memory differs from the guest's. */
export async function startIncoming(
  guest: Guest,
  destination: Hypervisor,
  memory: Pick<GuestHardware, 'memoryBackend'> = {},
): Promise<Guest> {
  return destination.startGuest({ ...guest.options, ...memory, incoming: true });
}

/** Asks for a migration; resolves when the agent has taken it on. */
export async function requestMove(
  guest: Guest,
  { sourceAgent, destinationAgent }: Omit<Route, 'destination'>,
  request: Omit<MigrationRequest, 'guest' | 'destination'> = {},
): Promise<Migration> {
  return sourceAgent.client.migrate({
    guest: guest.name,
    destination: { url: destinationAgent.url },
    ...request,
  });
}

/** Moves a guest into a new QEMU on the other host; an error if it does not get there. */
export async function moveGuest(
  guest: Guest,
  route: Route,
  { onProgress, intervalMs, ...request }: MoveOptions = {},
): Promise<MovedGuest> {
  const destination = await startIncoming(guest, route.destination);
  const { id } = await requestMove(guest, route, request);
  const wait = { ...(onProgress && { onProgress }), ...(intervalMs === undefined ? {} : { intervalMs }) };
  const { client } = route.sourceAgent;
  const migration = await client.waitUntil(id, ['completed'], moveDeadlineMs, wait);
  return { source: guest, destination, migration };
}
