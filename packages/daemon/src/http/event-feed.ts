/** One thing that has happened, as server-sent events have it. */
export interface FeedEvent {
  /** From 1. */
  readonly id: number;
  readonly name: string;
  /** JSON, in one line. */
  readonly data: string;
}

export interface FeedListener {
  readonly take: (event: FeedEvent) => void;
  /** No more will come. */
  readonly end: () => void;
}

/** Progress of a minute, and the states. */
const MOST_KEPT = 128;

/**
 * What has happened lately, numbered, for those who listen and those who were away for a moment. Nothing is kept, nor even
 * put into words, that nobody can ask for: before the first listener, and once the last one has been away for longer than
 * what is kept goes back.
 */
export class EventFeed {
  readonly #kept: FeedEvent[] = [];
  readonly #listeners = new Set<FeedListener>();
  #newest = 0;
  /** Events since the last listener left. */
  #unheard = MOST_KEPT;

  /** Of the newest event; 0 before the first. */
  get newest(): number {
    return this.#newest;
  }

  /** How many listen. */
  get listeners(): number {
    return this.#listeners.size;
  }

  /** @param value called only if someone may want it */
  publish(name: string, value: () => unknown): void {
    const id = ++this.#newest;
    if (this.#listeners.size === 0 && ++this.#unheard > MOST_KEPT) {
      this.#kept.length = 0;
      return;
    }
    const event = { id, name, data: JSON.stringify(value()) };
    this.#kept.push(event);
    if (this.#kept.length > MOST_KEPT) this.#kept.shift();
    for (const { take } of this.#listeners) take(event);
  }

  /** As {@link publish}, for the last event. */
  end(name: string, value: () => unknown): void {
    this.publish(name, value);
    for (const { end } of this.#listeners) end();
    this.#listeners.clear();
  }

  /** The events after the one of that id; undefined if some of them are no longer kept, or it never was. */
  after(id: number): readonly FeedEvent[] | undefined {
    const oldest = this.#newest - this.#kept.length;
    return id < oldest || id > this.#newest ? undefined : this.#kept.slice(id - oldest);
  }

  /** Calls the listener until the function that is returned is called. */
  listen(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#unheard = 0;
    };
  }
}
