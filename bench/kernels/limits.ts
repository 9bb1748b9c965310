// The limits of this machine: the bandwidth of the triad by footprint, and the peak of fused multiply-adds.
import { fmaChains, triad } from '../../src/native/index.ts';
import { interleave } from '../pairs.ts';

/** What the machine can do at most, in units of a nanosecond. */
export interface MachineLimits {
  /** Bytes a nanosecond (GB/s) for arrays of so many bytes together, smallest first. */
  readonly bandwidth: readonly { readonly footprint: number; readonly bytesPerNs: number }[];
  readonly flopsPerNs: { readonly f64: number; readonly f32: number };
}

// Long enough that waking the threads does not count.
const FMA_ROUNDS = 256;

/** Bytes of three arrays: within the first cache of a core, the second, the last, and beyond all. */
const FOOTPRINTS = [24 * 2 ** 10, 768 * 2 ** 10, 12 * 2 ** 20, 384 * 2 ** 20];

/** The fastest of several samples: a limit is what can be had, not what an interrupted sample had. */
async function fastest(run: () => unknown): Promise<number> {
  const [times = []] = await interleave([run], { rounds: 25, minSampleMs: 4 });
  return Math.min(...times);
}

/** Resolves to the limits, measured now with the threads that are set. */
export async function measureLimits(): Promise<MachineLimits> {
  const bandwidth: { footprint: number; bytesPerNs: number }[] = [];
  for (const footprint of FOOTPRINTS) {
    const length = footprint / 24;
    const b = new Float64Array(length).fill(1);
    const c = new Float64Array(length).fill(2);
    const out = new Float64Array(length);
    const ns = await fastest(() => triad({ length, b, c, out }));
    bandwidth.push({ footprint, bytesPerNs: footprint / ns });
  }
  const peak = async (dtype: 'f64' | 'f32') =>
    (FMA_ROUNDS * 2 ** 21) / (await fastest(() => fmaChains({ rounds: FMA_ROUNDS, dtype })));
  return { bandwidth, flopsPerNs: { f64: await peak('f64'), f32: await peak('f32') } };
}

/** Returns the higher of each limit of two measurements of one machine. */
export function highest(one: MachineLimits, other: MachineLimits): MachineLimits {
  const peak = (dtype: 'f64' | 'f32') => Math.max(one.flopsPerNs[dtype], other.flopsPerNs[dtype]);
  return {
    bandwidth: one.bandwidth.map(({ footprint, bytesPerNs }, at) => ({
      footprint,
      bytesPerNs: Math.max(bytesPerNs, other.bandwidth[at]!.bytesPerNs),
    })),
    flopsPerNs: { f64: peak('f64'), f32: peak('f32') },
  };
}

/** Returns the bandwidth for a footprint: the highest of the caches that could hold it, so that a floor is a floor. */
export function bandwidthFor({ bandwidth }: Pick<MachineLimits, 'bandwidth'>, footprint: number): number {
  const able = bandwidth.filter((one, at) => one.footprint >= footprint || at === bandwidth.length - 1);
  return Math.max(...able.map((one) => one.bytesPerNs));
}

/** The least nanoseconds of some work, and what sets them. */
export interface Floor {
  readonly ns: number;
  readonly bound: 'memory' | 'arithmetic';
}

/** Returns the floor of work on a machine: its traffic or its arithmetic, whichever takes longer. */
export function floorOf(
  limits: MachineLimits,
  dtype: 'f64' | 'f32',
  work: { readonly flops: number; readonly bytes: number },
): Floor {
  const memory = work.bytes / bandwidthFor(limits, work.bytes);
  const arithmetic = work.flops / limits.flopsPerNs[dtype];
  return memory >= arithmetic ? { ns: memory, bound: 'memory' } : { ns: arithmetic, bound: 'arithmetic' };
}
