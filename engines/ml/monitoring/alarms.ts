// Which alarms are raised: those that a verdict gives and that were not raised a moment ago.
import { KEPT_ALARMS, type RaisedAlarm } from './records.ts';
import type { Alarm } from './schemas.ts';

/**
 * Returns the alarms that are raised now, and all that are remembered, newest first. One reason waits for `cooldownS` after its last alarm;
 * where the clock went back behind that one it does not wait.
 */
export function raise(
  before: readonly RaisedAlarm[],
  given: ReadonlyMap<Alarm, string>,
  nowUs: number,
  cooldownS: number,
): { readonly raised: readonly RaisedAlarm[]; readonly all: readonly RaisedAlarm[] } {
  const raised: RaisedAlarm[] = [];
  for (const [reason, text] of given) {
    const last = before.find((alarm) => alarm.reason === reason);
    const sinceUs = last ? nowUs - last.ts_us : Number.POSITIVE_INFINITY;
    if (sinceUs >= 0 && sinceUs < cooldownS * 1e6) continue;
    raised.push({ reason, ts_us: nowUs, text });
  }
  return { raised, all: [...raised, ...before].slice(0, KEPT_ALARMS) };
}
