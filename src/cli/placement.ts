// Places the process of one engine among the cores of this machine.
import type { Config } from '../core/config.ts';
import { detectHardware, type Placement, placeProcess, type Urgency } from '../hardware/index.ts';
import { isAddonBuilt, placer } from '../native/index.ts';

/** Places the threads of this process; undefined when placement is off or there is no addon to do it. */
export async function placeEngine(urgency: Urgency, config: Config): Promise<Placement | undefined> {
  if (config.placement === 'off' || !isAddonBuilt()) return undefined;
  // Only this reads the machine, which takes a few milliseconds: most engines do without.
  const bound = urgency === 'latency' && process.platform === 'linux';
  const clusters = bound ? (await detectHardware()).cpu.clusters : [];
  const fast = clusters
    .filter(({ kind }) => kind === 'performance')
    .flatMap(({ core_ids }) => core_ids ?? []);
  return placeProcess(urgency, fast.length > 0 ? fast : null, placer);
}
