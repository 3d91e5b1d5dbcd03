/** What both daemons' views of a migration have in common. */
export interface Shown {
  /** Null as long as it is not known. */
  readonly guest: string | null;
  readonly state: string;
  /** Pages of 4 KiB. */
  readonly remainingPages: number;
  /** Bytes a second. */
  readonly bandwidth?: number | null;
}

/** `systemctl status` has one line for it. */
const MOST_NAMED = 4;

const PAGES_PER_MEBIBYTE = 256;

const OVER: readonly string[] = ['completed', 'cancelled', 'failed'];

/**
 * What a daemon does, in a line: `web1 active, 312 MiB to go at 112 MB/s; db postcopy-active, 3 MiB to go`.
 *
 * @param migrations those that are over are left out
 */
export function statusLine(migrations: readonly Shown[]): string {
  const underway = migrations.filter(({ state }) => !OVER.includes(state));
  if (underway.length === 0) return 'No migration is under way';
  const named = underway.slice(0, MOST_NAMED).map(describe);
  const others = underway.length - named.length;
  return [...named, ...(others > 0 ? [`and ${others} more`] : [])].join('; ');
}

function describe({ guest, state, remainingPages, bandwidth }: Shown): string {
  const toGo = `${Math.ceil(remainingPages / PAGES_PER_MEBIBYTE)} MiB to go`;
  const rate = bandwidth === null || bandwidth === undefined ? '' : ` at ${Math.round(bandwidth / 1e6)} MB/s`;
  return `${guest ?? 'a guest'} ${state}, ${toGo}${rate}`;
}
