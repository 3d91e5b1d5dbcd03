import { repository } from '../environment/paths.js';

/** Whom a program runs as, by numbers, and the capabilities that it has: no others, and no way to more. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** As `setpriv` has them: `sys_ptrace`. */
  readonly capabilities: readonly string[];
}

/** Where a program of another account sees the checkout, which may lie in a directory of root's alone; nobody else does. */
const visible = '/mnt';

const script = `
set -e
mount --bind "$1" "$2"
shift 2
exec "$@"
`;

/**
 * A command that runs another one as an account, with the checkout where that account sees it.
 * @param words of the other one
 * @returns program and arguments; the process that it begins as is the one of the other program, too
 */
export function asAccount(
  { uid, gid, groups, capabilities }: Account,
  words: readonly string[],
): readonly [string, readonly string[]] {
  const kept = capabilities.map((name) => `+${name}`);
  const privileges = [
    ...[`--reuid=${uid}`, `--regid=${gid}`],
    groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`,
    ...['inh-caps', 'ambient-caps', 'bounding-set'].map((set) => `--${set}=${['-all', ...kept].join(',')}`),
    // A change of accounts has ended what bound the process to this one.
    ...['--no-new-privs', '--pdeathsig', 'KILL'],
  ];
  const seen = words.map((word) => word.replace(repository, visible));
  const mount = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', repository, visible];
  return ['unshare', [...mount, 'setpriv', ...privileges, '--', ...seen]];
}
