/** Times between two probes. */
const FIRST_PROBE_INTERVAL = 8;
const LONGEST_PROBE_INTERVAL = 32;

/** When to try what does not pay at the moment, because it may pay again: now and then, ever more rarely. */
export class RarerProbes {
  #untilProbe = 0;
  #interval = FIRST_PROBE_INTERVAL;
  #paid = false;

  /**
   * To be asked each time that something could be tried.
   * @param pays whether it pays, so that it is tried anyway
   */
  shouldTry(pays: boolean): boolean {
    if (this.#untilProbe > 0) this.#untilProbe--;
    if (pays || this.#paid) this.#interval = FIRST_PROBE_INTERVAL;
    this.#paid = pays;
    if (pays) return true;
    if (this.#untilProbe > 0) return false;
    this.#untilProbe = this.#interval;
    this.#interval = Math.min(this.#interval * 2, LONGEST_PROBE_INTERVAL);
    return true;
  }
}
