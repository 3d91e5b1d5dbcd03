/** What has become of the pages of a guest, or of a gang. */
export interface SentCounts {
  /** Pages sent with their content. */
  normal: number;
  /** Pages that went as references to a content that was sent before, for this or another guest. */
  reference: number;
  /** Pages of which only what is unlike such a content was sent. */
  patch: number;
  /** Of the pages sent with their content, those that went compressed. */
  compressed: number;
  /** Pages of which only what had changed was sent. */
  delta: number;
  /** Pages that had been written to, but were as they had been sent before: nothing was sent. */
  unchanged: number;
  zero: number;
}

export const NOTHING_SENT: Readonly<SentCounts> = {
  normal: 0,
  reference: 0,
  patch: 0,
  compressed: 0,
  delta: 0,
  unchanged: 0,
  zero: 0,
};
