import { eventually } from '../environment/deadline.js';
import { stringOf, type Fields } from '../environment/values.js';
import { askIn } from './ask-in.js';
import type { BootedHosts } from './booted-hosts.js';

const api = 'http://127.0.0.1:7410/v1/migrations';
const overMs = 60_000;
/** Of what there is to send, some seconds. */
const slowBytesPerSecond = 10_000_000;

/** Moves one guest from the source to the destination, by the source's API, asked from the source itself. */
export class SourceApi {
  readonly #hosts: BootedHosts;
  readonly #guest: string;

  constructor(hosts: BootedHosts, guest: string) {
    this.#hosts = hosts;
    this.#guest = guest;
  }

  /** @param body to be posted; undefined only asks */
  async ask(body: unknown, path?: string): Promise<Fields> {
    return askIn(this.#hosts.source, path === undefined ? api : `${api}/${path}`, body);
  }

  /** What is found when the two sides are compared. */
  async examine(mode: string, guestThere = this.#guest): Promise<Fields> {
    return this.ask({ ...this.#request(mode, guestThere), dryRun: true });
  }

  /** Has the guest begin to move, slowly enough for something to happen meanwhile; says the migration's id. */
  async move(mode: 'precopy' | 'postcopy'): Promise<string> {
    const bandwidthCaps = { precopy: slowBytesPerSecond, postcopy: slowBytesPerSecond };
    return stringOf(await this.ask({ ...this.#request(mode, this.#guest), bandwidthCaps }), 'id');
  }

  async untilState(id: string, wanted: string): Promise<Fields> {
    return eventually(
      async () => {
        const view = await this.ask(undefined, id);
        const state = stringOf(view, 'state');
        if (state === wanted) return view;
        if (['completed', 'failed', 'cancelled'].includes(state))
          throw new Error(JSON.stringify(view['error']));
        return undefined;
      },
      overMs,
      `the state ${wanted}`,
      100,
    );
  }

  #request(mode: string, guestThere: string): object {
    return { guest: this.#guest, destination: { url: this.#hosts.url, guest: guestThere }, mode };
  }
}
