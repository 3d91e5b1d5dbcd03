/**
 * Every error that a user of pageferry can meet, by its stable code.
 *
 * A code is part of the interface: it appears in problem documents, in logs and on the wire, and is never
 * given another meaning. `status` is the HTTP status where the error answers a request; `title` is the
 * same for every occurrence (RFC 9457), what is special to one occurrence goes into the error's message.
 */
export const errorTable = {
  // What the request says.
  'request-invalid': { status: 400, title: 'The request is not valid' },
  'route-not-found': { status: 404, title: 'There is nothing at this address' },
  'guest-not-found': { status: 404, title: 'No guest of this name is here' },
  'guest-busy': { status: 409, title: 'The guest is already being migrated' },
  'migration-not-found': { status: 404, title: 'There is no such migration' },
  'migration-state': { status: 409, title: 'The migration is not in a state that allows this' },
  'too-many-migrations': {
    status: 429,
    title: 'As many migrations are under way as this agent allows at once',
  },
  'preparation-not-found': { status: 404, title: 'There is no such preparation' },
  'too-many-preparations': {
    status: 429,
    title: 'As many preparations are under way as this agent allows at once',
  },
  'idempotency-key-reused': { status: 422, title: 'The idempotency key belongs to another request' },
  unauthorized: { status: 401, title: 'The token is missing or wrong' },
  'too-many-requests': { status: 429, title: 'Too many requests come from this address' },
  'api-unreachable': { status: 502, title: "The agent's API cannot be reached" },
  'configuration-invalid': { status: 500, title: 'The configuration is not valid' },

  // What QEMU says.
  'qmp-unreachable': { status: 502, title: 'The QMP socket cannot be reached' },
  'qmp-protocol': { status: 502, title: 'What answers on the socket does not speak QMP' },
  'qmp-closed': { status: 502, title: 'QEMU closed the QMP connection' },
  'qmp-timeout': { status: 504, title: 'QEMU did not answer in time' },
  'qmp-command': { status: 502, title: 'QEMU refused a command' },
  'qemu-too-old': { status: 409, title: 'This QEMU is too old' },
  'qemu-unexpected': { status: 502, title: 'QEMU answered with something unexpected' },
  'guest-state': { status: 409, title: 'The guest is in a state that cannot be migrated' },
  'memory-unreadable': { status: 502, title: "The guest's memory cannot be read" },
  'storage-unreadable': { status: 502, title: 'A disk image of the guest cannot be read' },
  'dirty-log': { status: 502, title: "QEMU's dirty log failed" },
  'device-state': { status: 502, title: "The guest's device state cannot be used" },
  'libvirt-failed': { status: 502, title: 'libvirt did not do what it was asked for' },
  'driver-failed': { status: 502, title: "The driver that provides the guest's QEMU failed" },
  'incoming-failed': { status: 502, title: 'The destination QEMU did not load the guest' },

  // What the two hosts say to each other.
  'preflight-failed': { status: 409, title: 'The two sides do not fit together' },
  'peer-unreachable': { status: 502, title: 'The destination agent cannot be reached' },
  'peer-not-trusted': { status: 502, title: 'The two hosts do not trust each other' },
  'peer-revoked': { status: 502, title: 'The certificate of one of the two hosts has been revoked' },
  'peer-lost': { status: 502, title: 'The connection to the other host broke' },
  'peer-timeout': { status: 504, title: 'The other host did not answer in time' },
  'protocol-version': { status: 502, title: 'The two agents do not speak a common protocol version' },
  'protocol-violation': { status: 502, title: 'The other host broke the protocol' },
  'ownership-unknown': { status: 500, title: 'It is not known which host owns the guest' },
  'guest-lost': { status: 502, title: 'The guest was lost after the hand-over' },

  // How a migration ends.
  cancelled: { status: 409, title: 'The migration was cancelled' },
  'not-converging': { status: 409, title: 'The guest writes memory faster than it can be sent' },
  interrupted: { status: 500, title: 'The agent was restarted during the migration' },

  // Everything else is a bug, or the host's trouble.
  'state-machine': { status: 500, title: 'A step was attempted that the state does not allow' },
  journal: { status: 500, title: 'The journal cannot be read or written' },
  internal: { status: 500, title: 'Something unforeseen went wrong' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof errorTable;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorTable, value);
}
