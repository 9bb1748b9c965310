// How rows are timed: growing sizes, CPU and Metal in turns, medians, within a time.
import { type CalibratedRow, crossoverOf, median, type SizeTimes } from '../../hardware/routing.ts';

/** One call of a row, made once and run many times. */
export interface PreparedCall {
  /** Size of the call, in the unit of the row. */
  readonly elements: number;
  /** Runs it in f32 and returns what ran it. */
  run(backend: 'cpu' | 'metal'): 'cpu' | 'metal';
  /** Gives its memory back. */
  release(): void;
}

/** One row of the kernel table that can be timed. */
export interface TimedRow {
  readonly id: string;
  /** Returns a call of about `share` (0 to 1) of the work of an ordinary large one; null where it would need too much memory. */
  prepare(share: number): PreparedCall | null;
}

/** Shares of a large call that are tried, in this order. */
export const SHARES: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((step) => 4 ** (step - 9));

/** So many sizes are tried whatever the time, unless one call takes it all. */
const LEAST_SIZES = 3;
const LEAST_PAIRS = 3;
const MOST_PAIRS = 15;
/** Metal that is so much faster at two sizes in a row needs no bigger ones. */
const CLEARLY = 0.5;

/** Monotonic milliseconds; for tests. */
export type Now = () => number;
const nowMs: Now = () => Bun.nanoseconds() / 1e6;

/** Returns the times of a row; takes about `budgetMs`, and more only for the first sizes. */
export function measureRow(row: TimedRow, budgetMs: number, now: Now = nowMs): CalibratedRow {
  const end = now() + budgetMs;
  const sizes: SizeTimes[] = [];
  let note: string | undefined;
  for (const share of SHARES) {
    const call = row.prepare(share);
    if (call === null) continue;
    try {
      const known = sizes.at(-1);
      if (known && call.elements <= known.elements) continue;
      if (known && sizes.length >= LEAST_SIZES && now() + leastMs(known, call) > end) {
        note = 'larger sizes did not fit in the time';
        break;
      }
      const times = measureSize(call, Math.max(0, end - now()) / 2, now);
      if (times === null) {
        note = `the device left ${call.elements} elements to the CPU`;
        break;
      }
      sizes.push(times);
      // A call that takes all the time leaves none for a bigger one.
      if (times.cpuMs + times.metalMs > budgetMs) {
        note = 'larger sizes did not fit in the time';
        break;
      }
    } finally {
      call.release();
    }
    const [before, last] = sizes.slice(-2);
    if (before && last && clearly(before) && clearly(last)) break;
  }
  return {
    metal_from: crossoverOf(sizes),
    sizes: sizes.map(({ elements, cpuMs, metalMs }) => ({
      elements,
      cpu_ms: rounded(cpuMs),
      metal_ms: rounded(metalMs),
    })),
    ...(note !== undefined && { note }),
  };
}

// What the next size takes at least, when both grow as the size does.
const leastMs = ({ elements, cpuMs, metalMs }: SizeTimes, next: PreparedCall): number =>
  (LEAST_PAIRS + 1) * (cpuMs + metalMs) * (next.elements / elements);

const clearly = ({ cpuMs, metalMs }: SizeTimes): boolean => metalMs < cpuMs * CLEARLY;
const rounded = (ms: number): number => Number(ms.toPrecision(4));

// In pairs whose order alternates, so that a slow moment of the machine and a warm cache hit both. The first calls are not counted: they
// fault pages in, and a GPU that was idle is slow.
function measureSize(call: PreparedCall, budgetMs: number, now: Now): SizeTimes | null {
  const times = { cpu: [] as number[], metal: [] as number[] };
  const time = (backend: 'cpu' | 'metal'): boolean => {
    const began = now();
    const ran = call.run(backend);
    times[backend].push(now() - began);
    return ran === backend;
  };
  const end = now() + budgetMs;
  if (!time('cpu') || !time('metal')) return null;
  times.cpu.length = 0;
  times.metal.length = 0;
  for (let pair = 0; pair < MOST_PAIRS; pair++) {
    if (pair >= LEAST_PAIRS && now() >= end) break;
    const order = pair % 2 === 0 ? (['cpu', 'metal'] as const) : (['metal', 'cpu'] as const);
    for (const backend of order) if (!time(backend)) return null;
  }
  return { elements: call.elements, cpuMs: median(times.cpu), metalMs: median(times.metal) };
}
