import { readdir } from 'node:fs/promises';
import { GUEST_NAME_PATTERN } from '@pageferry/daemon';
import { PageferryError, asPageferryError } from '@pageferry/errors';
import { compareMachines, describeMachine, listDomains } from '@pageferry/qemu';
import { Type, type Static } from '@sinclair/typebox';
import { connectGuest, type GuestPlaces } from './guest-monitor.js';

const SUFFIX = '.sock';
const VALID_NAME = new RegExp(GUEST_NAME_PATTERN);
const MOST_GUESTS = 512;
const AT_ONCE = 8;
const TIMEOUT_MS = 3_000;

export const GuestResource = Type.Object(
  {
    name: Type.String(),
    status: Type.Union([Type.String({ description: "QEMU's RunState" }), Type.Null()]),
    memoryBytes: Type.Union([Type.Integer({ description: 'Of all RAM blocks' }), Type.Null()]),
    vcpus: Type.Union([Type.Integer(), Type.Null()]),
    migratable: Type.Boolean({ description: 'Whether nothing on this host keeps it from being migrated' }),
    reasons: Type.Array(Type.String(), { description: 'What does' }),
  },
  { $id: 'Guest', description: 'A guest of this host' },
);
export type GuestView = Static<typeof GuestResource>;

/** Names of the guests of this host, at most 512. Errors: `configuration-invalid`, `libvirt-failed`. */
async function guestNames(
  { guestDirectory, libvirtUri }: GuestPlaces,
  signal: AbortSignal,
): Promise<string[]> {
  const names = new Set(await namesOfSockets(guestDirectory));
  const domains = libvirtUri === '' ? [] : await listDomains(libvirtUri, { signal });
  for (const { name, active } of domains) if (active) names.add(name);
  return [...names]
    .filter((name) => VALID_NAME.test(name))
    .sort()
    .slice(0, MOST_GUESTS);
}

async function namesOfSockets(directory: string): Promise<string[]> {
  const files = await readdir(directory).catch((cause: unknown) => {
    const why = asPageferryError(cause).message;
    throw new PageferryError('configuration-invalid', `the guestDirectory cannot be read: ${why}`, { cause });
  });
  return files.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length));
}

/**
 * The guests of this host, and what keeps them from being migrated.
 * @param busy the reason why a guest is not to be asked, as QEMU's monitor serves one client at a time
 */
export async function listGuests(
  places: GuestPlaces,
  busy: (name: string) => string | undefined,
  signal: AbortSignal,
): Promise<GuestView[]> {
  const names = await guestNames(places, signal);
  const guests: GuestView[] = [];
  for (let first = 0; first < names.length; first += AT_ONCE) {
    const group = names.slice(first, first + AT_ONCE);
    guests.push(...(await Promise.all(group.map((name) => lookAt(places, name, busy(name), signal)))));
  }
  return guests;
}

async function lookAt(
  places: GuestPlaces,
  name: string,
  busy: string | undefined,
  signal: AbortSignal,
): Promise<GuestView> {
  const unknown = { name, status: null, memoryBytes: null, vcpus: null, migratable: false };
  if (busy !== undefined) return { ...unknown, reasons: [busy] };
  const options = { signal, timeoutMs: TIMEOUT_MS };
  try {
    const qmp = await connectGuest(places, name, options);
    try {
      const machine = await describeMachine(qmp, options);
      // With a counterpart that fits, only what is wrong here is left.
      const counterpart = { ...machine, version: '8.2.0', runState: 'inmigrate', migrationStatus: 'none' };
      const reasons = compareMachines(machine, counterpart, { postcopy: false });
      return {
        name,
        status: machine.runState,
        memoryBytes: machine.ramBlocks.reduce((sum, { length }) => sum + length, 0),
        vcpus: machine.vcpus,
        migratable: reasons.length === 0,
        reasons,
      };
    } finally {
      qmp.close();
    }
  } catch (thrown) {
    signal.throwIfAborted();
    return { ...unknown, reasons: [asPageferryError(thrown).message] };
  }
}
