import type { ErrorCode } from './table.js';

export interface Guidance {
  /** What leads to it. */
  readonly cause: string;
  /** What can be done. */
  readonly wayOut: string;
}

/** What operators are told of each error, in docs/failures.md, in Markdown; what is special to one occurrence is in its message. */
export const errorGuide: Readonly<Record<ErrorCode, Guidance>> = {
  'request-invalid': {
    cause: 'a field of the request is missing, unknown or out of range, or two contradict each other',
    wayOut: 'the findings name each field',
  },
  'route-not-found': {
    cause: 'a wrong path or method, or an agent that is older than the client',
    wayOut: '`/openapi.json` has what there is',
  },
  'guest-not-found': {
    cause:
      'there is no QMP socket of this name in `guestDirectory`, nor such a libvirt domain where libvirt is used',
    wayOut: '`pageferry guests` lists what is there',
  },
  'guest-busy': {
    cause: 'the guest is being migrated, or looked at by a dry run',
    wayOut: 'wait for it; `pageferry list --guest NAME` shows the migration',
  },
  'migration-not-found': {
    cause: 'the id is wrong, or the migration was forgotten: the newest 1000 are kept',
    wayOut: '`pageferry list`',
  },
  'migration-state': {
    cause: 'what was asked for comes too late or too early, as a cancel after the hand-over',
    wayOut: '`pageferry show ID` has its state; see below what each allows',
  },
  'too-many-migrations': {
    cause: '`maxConcurrentMigrations` of the host that is named are under way',
    wayOut: 'ask again when one has ended, or raise the limit',
  },
  'preparation-not-found': {
    cause:
      "the id is wrong, or the preparation was deleted or forgotten: the newest 100 of the agent's run are kept",
    wayOut: 'prepare the guests anew: `pageferry prepare`',
  },
  'too-many-preparations': {
    cause: '4 preparations are under way, or kept up to date, on this host',
    wayOut: 'end one that is not needed any more: `pageferry prepare --list`, `--end ID`',
  },
  'idempotency-key-reused': {
    cause: 'the same `Idempotency-Key` came with another body',
    wayOut: 'use a new key for each new request',
  },
  unauthorized: {
    cause: 'the API asks for a token, and this request has none or another one',
    wayOut: '`--token-file`, or `Authorization: Bearer`; see [security.md](security.md)',
  },
  'too-many-requests': {
    cause: 'an address sends more than 1000 requests a second, or 20 without a valid token',
    wayOut: 'ask less often; follow the events instead of polling',
  },
  'api-unreachable': {
    cause: 'nobody listens at the address, TLS does not fit, or the answer does not come',
    wayOut: '`systemctl status pageferry-source-agent`; `--api` and `--ca`',
  },
  'configuration-invalid': {
    cause: 'keys of the configuration are unknown or wrong, or do not go together',
    wayOut: '`--check-config` names all of them',
  },
  'qmp-unreachable': {
    cause: 'QEMU does not run, its socket belongs to another user, or another client has it',
    wayOut: 'give pageferry a QMP socket of its own, and run agent and QEMU as one user',
  },
  'qmp-protocol': {
    cause: 'something else than QMP answers, as the human monitor does',
    wayOut: '`-qmp unix:…`, not `-monitor`',
  },
  'qmp-closed': { cause: 'QEMU has ended, or was killed', wayOut: "QEMU's own log" },
  'qmp-timeout': {
    cause: 'QEMU is stopped, or its main loop waits for storage or for a missing page',
    wayOut: 'look at the host: storage, memory, load',
  },
  'qmp-command': {
    cause: "QEMU's own text follows in the message",
    wayOut: 'what the text says; often a device that blocks migration',
  },
  'qemu-too-old': { cause: 'QEMU is older than 8.2', wayOut: 'a newer one; see [install.md](install.md)' },
  'qemu-unexpected': {
    cause: 'this QEMU says something that the agent does not know',
    wayOut: 'report it with the versions of both',
  },
  'guest-state': {
    cause:
      'the guest is stopped, crashed or in another migration, or the QEMU there does not wait with `-incoming defer`',
    wayOut: 'the message says which; start the waiting QEMU anew',
  },
  'memory-unreadable': {
    cause: "the agent may not read QEMU's memory",
    wayOut: "run it as QEMU's user with `CAP_SYS_PTRACE`; `pageferry doctor`",
  },
  'storage-unreadable': {
    cause:
      'the agent cannot open an image that QEMU has open, `qemu-nbd` is missing, or the storage does not answer',
    wayOut: 'install `qemu-utils`; let the agent read the image, by the name that QEMU has for it',
  },
  'dirty-log': {
    cause:
      "QEMU's own migration, from which the agent learns what changes, ended or was cancelled by someone else",
    wayOut: 'let nobody else use QMP migration commands; try again',
  },
  'device-state': {
    cause: 'the agent cannot read what QEMU has written of its devices',
    wayOut: 'see that the agent has the same folders as QEMU, as a user who may read them',
  },
  'libvirt-failed': {
    cause: "virsh's own text follows in the message",
    wayOut: '`virsh list`, libvirtd, and whether the agent may use it',
  },
  'driver-failed': {
    cause: 'the QEMU to come into could not be started on the destination',
    wayOut:
      "the unit's or the domain's own log there; `qemuStartSeconds`, if QEMU has much memory to reserve",
  },
  'incoming-failed': {
    cause:
      'the destination QEMU ended, or does not accept what the source QEMU has: other devices, versions, no memory left',
    wayOut: "the destination QEMU's log; compare the two command lines",
  },
  'preflight-failed': {
    cause: 'machine type, memory, CPUs, devices or abilities of the two sides differ',
    wayOut: 'the findings name all of it at once; `pageferry preflight` asks again without moving anything',
  },
  'peer-unreachable': {
    cause: 'no agent listens at the address, or a firewall is in between',
    wayOut: '`destination.url`, and `streamHost` and `streamPort` there',
  },
  'peer-not-trusted': {
    cause: 'a certificate is of another authority, of another name, or has expired',
    wayOut: 'see [security.md](security.md); the log on the other host says what it did not accept',
  },
  'peer-revoked': {
    cause:
      'an authority has revoked the certificate that a host shows; `host` is the one that does not accept it',
    wayOut: 'if it is still trusted, a new certificate for the other host; see [security.md](security.md)',
  },
  'peer-lost': {
    cause: 'the connection broke, or nothing came for 10 s',
    wayOut:
      'before the hand-over: mend the network, and migrate again; after it the agents reconnect by themselves',
  },
  'peer-timeout': {
    cause:
      'the other host is there, but does not do its part in time, or its QEMU has taken in no memory for 30 s',
    wayOut:
      'its load and its log; `prepareSeconds`, if it starts a QEMU with much memory; a QEMU that hangs is ended',
  },
  'protocol-version': {
    cause: 'the two agents are of versions too far apart',
    wayOut: 'upgrade the older one',
  },
  'protocol-violation': {
    cause: 'what came is not the protocol: another program, a damaged version, or a bug',
    wayOut: 'check the address and the versions; report it if it stays',
  },
  'ownership-unknown': {
    cause:
      'the connection broke in the very hand-over, and the destination did not come back within `reconnectSeconds`',
    wayOut: 'see below, before the guest is started anywhere',
  },
  'guest-lost': {
    cause:
      "the destination's QEMU ended, or broke post-copy, while the guest lacked pages that only the source had",
    wayOut:
      'end both QEMUs, and start the guest again from its disk, on one host: what it wrote since is not in the stopped one',
  },
  cancelled: { cause: 'somebody cancelled it', wayOut: 'nothing: the guest runs where it was' },
  'not-converging': {
    cause: 'pre-copy could not get the rest below the downtime limit, and the request says `cancel`',
    wayOut:
      'hybrid mode, a longer downtime limit, more bandwidth, or `"whenStalled": "stop"`: see [tuning.md](tuning.md)',
  },
  interrupted: {
    cause: 'an agent was stopped, or killed and started again, before the hand-over',
    wayOut: 'the guest runs where it was: migrate again',
  },
  'state-machine': { cause: 'a bug', wayOut: "report it, with both hosts' logs" },
  journal: {
    cause: 'the disk of `stateDirectory` is full, read-only or damaged, or its files belong to another user',
    wayOut: 'mend that; without journals nothing is handed over',
  },
  internal: {
    cause: 'a bug, or an error of a newer agent on the other host',
    wayOut: "report it, with both hosts' logs",
  },
};
