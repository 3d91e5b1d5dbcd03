/** Milliseconds on the host's monotonic clock, the same in all threads and processes of the host. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** When the heartbeats of a guest's writers arrived, in the order of arrival. */
export interface Heartbeats {
  /** On the clock of {@link monotonicMs}. */
  readonly times: Float64Array;
  /** Which writer (one a vCPU) each beat is of. */
  readonly writers: Uint8Array;
}

/** A time without a sign of life of one writer. */
export interface Gap {
  readonly writer: number;
  readonly from: number;
  readonly to: number;
  readonly milliseconds: number;
}

function timesByWriter(records: readonly Heartbeats[], from: number, to: number): Map<number, number[]> {
  const byWriter = new Map<number, number[]>();
  for (const { times, writers } of records) {
    times.forEach((time, index) => {
      const writer = writers[index] ?? 0;
      const own = byWriter.get(writer) ?? [];
      byWriter.set(writer, own);
      if (time > from && time < to) own.push(time);
    });
  }
  return byWriter;
}

/**
 * The longest gap of any writer between two times, over the beats that arrived on all the hosts where the
 * guest has run. A writer that beats before but not within the interval has been silent for all of it.
 */
export function longestGap(records: readonly Heartbeats[], from: number, to: number): Gap {
  const byWriter = timesByWriter(records, from, to);
  if (byWriter.size === 0) byWriter.set(0, []);
  let longest: Gap = { writer: 0, from, to: from, milliseconds: 0 };
  for (const [writer, times] of byWriter) {
    let last = from;
    for (const time of [...times.sort((a, b) => a - b), to]) {
      if (time - last > longest.milliseconds)
        longest = { writer, from: last, to: time, milliseconds: time - last };
      last = time;
    }
  }
  return longest;
}
