import { PageferryError, asPageferryError } from '@pageferry/errors';
import { busctl } from './busctl.js';
import { systemctl } from './systemctl.js';

const SHOW_TIMEOUT_MS = 5_000;
/** The unit counts as started when its program is executed. */
const START_TIMEOUT_MS = 10_000;
/** The unit's TimeoutStopSec, after which systemd kills it, is 20 s. */
const STOP_TIMEOUT_MS = 28_000;

const properties = ['LoadState', 'ActiveState', 'Result', 'InvocationID'] as const;

/** As `systemctl show` has it. */
export type UnitState = Readonly<Record<(typeof properties)[number], string>>;

/** A guest as a service of systemd. Every method rejects with `driver-failed`. */
export class GuestUnit {
  readonly name: string;
  readonly #guest: string;

  /** @param guest a name that was checked: none of its characters means anything to systemd */
  constructor(guest: string) {
    this.#guest = guest;
    this.name = `qemu-guest@${guest}.service`;
  }

  async state(signal?: AbortSignal): Promise<UnitState> {
    const text = await systemctl(['show', `--property=${properties.join(',')}`, this.name], {
      signal,
      timeoutMs: SHOW_TIMEOUT_MS,
    });
    const said = new Map(
      text.split('\n').map((line) => {
        const [key = '', ...value] = line.split('=');
        return [key, value.join('=')];
      }),
    );
    const valueOf = (name: string): string => said.get(name) ?? '';
    return {
      LoadState: valueOf('LoadState'),
      ActiveState: valueOf('ActiveState'),
      Result: valueOf('Result'),
      InvocationID: valueOf('InvocationID'),
    };
  }

  /** Not to be cancelled: nobody would know then whether it is started. */
  async start(): Promise<void> {
    await systemctl(['start', this.name], { timeoutMs: START_TIMEOUT_MS });
  }

  /** Resolves when it has ended, whether it was started or only about to be. */
  async stop(): Promise<void> {
    await systemctl(['stop', this.name], { timeoutMs: STOP_TIMEOUT_MS });
  }

  /** Has systemd forget that it has failed, if it has. */
  async forgetFailure(): Promise<void> {
    if ((await this.state()).ActiveState === 'failed')
      await systemctl(['reset-failed', this.name], { timeoutMs: SHOW_TIMEOUT_MS });
  }

  /**
   * Whether this user may do with the unit what a driver does: systemd, and polkit on its behalf, decide on a start, a stop and a
   * forgotten failure alike. Changes nothing of a unit that has never failed, and unlike `systemctl reset-failed` it asks about one
   * that is not loaded, too.
   */
  async requirePermission(): Promise<void> {
    const path = `/org/freedesktop/systemd1/unit/${escaped(this.name)}`;
    const method = ['org.freedesktop.systemd1.Unit', 'ResetFailed'] as const;
    await busctl(['call', 'org.freedesktop.systemd1', path, ...method], { timeoutMs: SHOW_TIMEOUT_MS });
  }

  /**
   * What a start that has failed comes from. Only systemctl's words tell: of a unit that is not active any more systemd has
   * forgotten the rest, and one that may not be started may have failed before.
   */
  explain(thrown: unknown, { Result }: UnitState): unknown {
    const { message } = asPageferryError(thrown);
    if (message.includes(`Assertion failed on job for ${this.name}`)) {
      return new PageferryError(
        'guest-not-found',
        `${this.name} asserts something that is not so: is there an /etc/pageferry/guests/${this.#guest}.conf?`,
        { cause: thrown },
      );
    }
    return message.includes(`Job for ${this.name} failed`) ? this.ended(Result, thrown) : thrown;
  }

  /** @param result of the unit */
  ended(result: string, cause?: unknown): PageferryError {
    return new PageferryError(
      'driver-failed',
      `${this.name} has ended, with the result ${result}, before QEMU answered: journalctl -u ${this.name} says why`,
      { cause },
    );
  }

  busy(state: string): PageferryError {
    return new PageferryError('guest-busy', `${this.name} is ${state}: try again in a moment`);
  }
}

/** As the paths of objects on the bus have a unit's name. */
function escaped(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, (character) => `_${character.charCodeAt(0).toString(16)}`);
}
