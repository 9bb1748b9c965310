// The limits of this machine: the bandwidth of the triad by footprint, and the peak of fused multiply-adds.
import { fmaChains, triad } from '../../src/native/index.ts';
import { interleave } from '../pairs.ts';

/** What the machine can do at most, in units of a nanosecond. */
export interface MachineLimits {
  /** Bytes a nanosecond (GB/s) for arrays of so many bytes together, smallest first. */
  readonly bandwidth: readonly { readonly footprint: number; readonly bytesPerNs: number }[];
  readonly flopsPerNs: { readonly f64: number; readonly f32: number };
}

/** Bytes of three arrays: within the first cache of a core, the second, the last, and beyond all. */
const FOOTPRINTS = [24 * 2 ** 10, 768 * 2 ** 10, 12 * 2 ** 20, 384 * 2 ** 20];

/** The fastest of several samples: a limit is what can be had, not what an interrupted sample had. */
async function fastest(run: () => unknown, rounds: number): Promise<number> {
  const [times = []] = await interleave([run], { rounds, minSampleMs: 5 });
  return Math.min(...times);
}

/** Resolves to the limits, measured now with the threads that are set. */
export async function measureLimits(rounds: number): Promise<MachineLimits> {
  const bandwidth: { footprint: number; bytesPerNs: number }[] = [];
  for (const footprint of FOOTPRINTS) {
    const length = footprint / 24;
    const [b, c, out] = [
      new Float64Array(length).fill(1),
      new Float64Array(length).fill(2),
      new Float64Array(length),
    ];
    const ns = await fastest(() => triad({ length, b, c, out }), rounds);
    bandwidth.push({ footprint, bytesPerNs: footprint / ns });
  }
  const peak = async (dtype: 'f64' | 'f32') => {
    const rounds_ = 64;
    return (rounds_ * 2 ** 21) / (await fastest(() => fmaChains({ rounds: rounds_, dtype }), rounds));
  };
  return { bandwidth, flopsPerNs: { f64: await peak('f64'), f32: await peak('f32') } };
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
