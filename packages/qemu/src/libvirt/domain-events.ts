/** An event of QEMU's, as a QMP server would send it. */
export interface DomainEvent {
  readonly event: string;
  readonly data?: unknown;
  readonly timestamp: { readonly seconds: number; readonly microseconds: number };
}

const QEMU_EVENT = /^event ([A-Z][A-Z0-9_]*) at (\d+)\.(\d+) for domain '[^']*': (.*)$/;
const LIFECYCLE_STOPPED = /^event 'lifecycle' for domain '[^']*': Stopped /;

/** What `qemu-monitor-event` prints of an event; undefined for every other line. */
export function parseQemuEvent(line: string): DomainEvent | undefined {
  const [, event, seconds, fraction, text] = QEMU_EVENT.exec(line) ?? [];
  if (event === undefined || text === undefined) return undefined;
  const timestamp = { seconds: Number(seconds), microseconds: Number(fraction) };
  const data = text === '<null>' ? undefined : parse(text);
  return data === undefined ? { event, timestamp } : { event, data, timestamp };
}

/** Whether a line of `event --event lifecycle` says that the domain's QEMU has ended. */
export function isStop(line: string): boolean {
  return LIFECYCLE_STOPPED.test(line);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
