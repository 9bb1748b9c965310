// One line of what the doctor found.

/** `ok`, `info` (fine without it), `warn` (works, until a bad day), `fail` (the engines will not work, or not as configured). */
export interface Finding {
  readonly check: string;
  readonly level: 'ok' | 'info' | 'warn' | 'fail';
  readonly found: string;
  readonly fix?: string;
}
