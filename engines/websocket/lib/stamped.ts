// Events with their own time, as lists of snapshots hold them.
import type { Envelope } from '../../../src/bus/envelope.ts';

/** One event with its own time. */
export type Stamped<Body> = Body & { readonly ts_event_us: number };

export function stamped<Body extends object>(envelope: Envelope<Body>): Stamped<Body> {
  return { ...envelope.body, ts_event_us: envelope.ts_event_us };
}
