// What two readings of counters make: times as percent, energy as watts, bytes as a rate.
import { isTold, type Told, told, untold } from './facts.ts';
import type { CoreTime, Energy } from './reading.ts';
import type { Cluster } from './schema.ts';

/** A number between two readings. */
export interface CoreUse {
  readonly id: number;
  readonly utilization: number;
}

/** Keeps a reply short: a tenth of a percent, a thousandth of a core or watt. */
export const round = (value: number, digits: number): number =>
  Math.round(value * 10 ** digits) / 10 ** digits;

/** Returns a share as percent from 0 to 100; counters of different clocks may overshoot by a tick. */
export const percentOf = (part: number, whole: number): number =>
  round(Math.min(100, Math.max(0, (100 * part) / whole)), 1);

const NO_TICK = 'no clock tick passed since the reading before';

/** Returns the use of each logical core that is in both readings. */
export function coreUses(
  before: Told<readonly CoreTime[]>,
  after: Told<readonly CoreTime[]>,
): Told<CoreUse[]> {
  return told(before, (first) =>
    told(after, (last) => {
      const earlier = new Map(first.map((core) => [core.id, core]));
      const uses = last.flatMap(({ id, busy, total }): CoreUse[] => {
        const core = earlier.get(id);
        const passed = core ? total - core.total : 0;
        return core && passed > 0 ? [{ id, utilization: percentOf(busy - core.busy, passed) }] : [];
      });
      return uses.length > 0 ? uses : untold(NO_TICK);
    }),
  );
}

const mean = (uses: readonly CoreUse[]): number =>
  round(uses.reduce((sum, { utilization }) => sum + utilization, 0) / uses.length, 1);

/** Returns the use of all cores together. */
export const meanUse = (uses: Told<CoreUse[]>): Told<number> => told(uses, mean);

/** Returns the use of each cluster, where it is told which cores it has. */
export function clusterUses(
  uses: Told<CoreUse[]>,
  clusters: readonly Cluster[],
): Told<{ kind: string; name: string; utilization: number }[]> {
  return told(uses, (cores) => {
    const found = clusters.flatMap(({ kind, name, core_ids }) => {
      const own = cores.filter(({ id }) => core_ids?.includes(id));
      return own.length > 0 ? [{ kind, name, utilization: mean(own) }] : [];
    });
    return found.length > 0 ? found : untold('the system does not tell which core is in which cluster');
  });
}

/** Returns what a counter grew by each second; a counter that went back was set to 0 in between. */
export function rate(before: Told<number>, after: Told<number>, seconds: number): Told<number> {
  return told(before, (first) =>
    told(after, (last) => (last >= first ? (last - first) / seconds : untold('the counter began again'))),
  );
}

/** Returns the watts of counters of energy, which begin again at their range. */
export function watts(
  before: Told<readonly Energy[]>,
  after: Told<readonly Energy[]>,
  seconds: number,
): Told<number> {
  if (!isTold(before)) return before;
  if (!isTold(after)) return after;
  let microjoules = 0;
  for (const [i, { microjoules: last, range }] of after.entries()) {
    const first = before[i]?.microjoules;
    if (first === undefined || (last < first && range === 0)) return untold('the counter began again');
    microjoules += last >= first ? last - first : last - first + range;
  }
  return round(microjoules / 1e6 / seconds, 3);
}
