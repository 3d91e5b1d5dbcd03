/** What was looked at on this host, and what is to be done about it. */
export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** How to mend what is not as it should be. */
  readonly fix?: string;
}
