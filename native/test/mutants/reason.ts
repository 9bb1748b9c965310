// What a reason why a mistake changes no number is.

/** Where a mistake is. */
export interface Place {
  readonly file: string;
  readonly unit: string;
  /** The line as it stands, trimmed. */
  readonly line: string;
  /** What stands before the place in it. */
  readonly before: string;
  readonly original: string;
  readonly text: string;
}

/** Which mistakes change no number, and why. */
export interface Reason {
  readonly matches: (place: Place) => boolean;
  readonly why: string;
}
