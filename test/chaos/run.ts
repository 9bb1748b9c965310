// One run: trade, break things at random, stop, wait until everything has settled, compare.
import type { Fault } from './fault.ts';
import { chooseFault } from './faults.ts';
import { Load } from './load.ts';
import { Random } from './random.ts';
import { settled, type Verdict, verify } from './verify.ts';
import { World, type WorldOptions } from './world.ts';

export interface RunOptions extends WorldOptions {
  readonly seed: number;
  /** Ends after so many seconds of faults ... */
  readonly seconds?: number;
  /** ... or after these faults in this order, once each. */
  readonly faults?: readonly Fault[];
  readonly onEvent?: (what: string) => void;
}

/** How often one kind of fault came, and how long the system needed to be whole again (all engines healthy). */
export interface FaultTimes {
  readonly name: string;
  readonly recoveryMs: number[];
}

export interface RunOutcome {
  readonly verdict: Verdict;
  readonly faults: readonly FaultTimes[];
  readonly unanswered: number;
  readonly refused: number;
  /** Whether the disk of the data folder could be made small. */
  readonly hadSmallDisk: boolean;
  /** Events that cannot be applied and that a fault has put into the log. */
  readonly poisoned: number;
}

/** Runs to the end. Rejects when the system does not become whole again by itself. */
export async function runChaos(options: RunOptions): Promise<RunOutcome> {
  const random = new Random(options.seed);
  const world = await World.start(options);
  try {
    await world.healthy();
    const load = new Load(world, random);
    await load.prepare();
    load.start();
    const times = new Map<string, number[]>();
    const inject = async (fault: Fault) => {
      options.onEvent?.(fault.name);
      const began = performance.now();
      await fault.inject(world, random);
      // Some faults come on top of others that have not healed yet.
      if (random.chance(0.7) || options.faults) await world.healthy();
      times.set(fault.name, [...(times.get(fault.name) ?? []), performance.now() - began]);
      await Bun.sleep(100 + random.below(400));
    };
    if (options.faults) for (const fault of options.faults.filter((f) => f.fits(world))) await inject(fault);
    else {
      const end = performance.now() + (options.seconds ?? 60) * 1000;
      while (performance.now() < end) await inject(chooseFault(world, random));
    }
    await load.stop();
    await settled(world);
    const verdict = await verify(world, load);
    const faults = [...times].map(([name, recoveryMs]) => ({ name, recoveryMs }));
    const { unanswered, refused } = load;
    return {
      verdict,
      faults,
      unanswered,
      refused,
      hadSmallDisk: world.hasSmallDisk,
      poisoned: world.poisoned,
    };
  } finally {
    await world.stop();
  }
}
