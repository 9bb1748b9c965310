// One line of what the doctor found.

/** `ok`, `info` (fine without it), `fail` (the engines will not work). */
export interface Finding {
  readonly check: string;
  readonly level: 'ok' | 'info' | 'fail';
  readonly found: string;
  readonly fix?: string;
}
