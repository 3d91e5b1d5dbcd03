/** What has come of a guest's memory, and in which way. */
export interface ReceivedCounts {
  /** Pages that came with content. */
  normalPages: number;
  /** Pages of which came what had changed. */
  deltaPages: number;
  zeroPages: number;
  /** Pages of which came where the content store has them. */
  referencePages: number;
  /** Pages of which came what changes such a content. */
  patchPages: number;
  /** Pages that came from a disk that both hosts share. */
  restoredPages: number;
  /** Bytes of data frames, headers included. */
  bytes: number;
}

export const NOTHING_RECEIVED: Readonly<ReceivedCounts> = {
  normalPages: 0,
  deltaPages: 0,
  zeroPages: 0,
  referencePages: 0,
  patchPages: 0,
  restoredPages: 0,
  bytes: 0,
};
