// Measures one row of the speed-up tables: every side takes turns with every other in one run.
import { interleave, quantile, type Ratio, ratioOf, type Side } from '../pairs.ts';
import type { Rivals, TaskOptions } from '../rivals/rivals.ts';
import type { Measurement, Published, Row } from './results.ts';

/** What a row measures with. */
export interface Bench {
  /** Null where no Python has the rivals. */
  readonly rivals: Rivals | null;
  /** Threads of the kernels and of BLAS in the rivals. */
  readonly threads: number;
  /** Rounds of a full run, 15 at least; few in a quick one. */
  readonly rounds: number;
  readonly quick: boolean;
}

/** A side with the name that the tables show. */
export interface Contender {
  readonly name: string;
  readonly side: Side;
}

/** One workload: ours, the plain version, the rivals. `also` are variants of ours against the same plain version. */
export interface Workload {
  readonly workload: string;
  readonly now: Side;
  readonly before?: Side;
  /** What `before` is; default plain TypeScript. */
  readonly beforeName?: string;
  readonly rivals?: readonly (Contender | null)[];
  readonly also?: readonly { readonly workload: string; readonly now: Side }[];
  readonly rounds?: number;
}

/** What a row of the tables gives: a note and its measurements, the first one being the row's own. */
export interface RowResult {
  readonly note: string;
  readonly measurements: readonly Measurement[];
}

interface PlanHead {
  readonly id: string;
  readonly published: Published;
  readonly publishedRatio: number;
}

/** A row of the published tables: measured, or pending where this version has nothing real, with the reason. */
export type RowPlan = PlanHead &
  (
    | { readonly measure: (bench: Bench) => Promise<RowResult>; readonly pending?: undefined }
    | { readonly measure?: undefined; readonly pending: { readonly workload: string; readonly note: string } }
  );

/** Returns a rival in Python as a contender, null where its library is absent. `scale` multiplies its time. */
export function rival(
  bench: Bench,
  library: 'NumPy' | 'pandas' | 'TA-Lib' | 'QuantLib' | 'scikit-learn',
  name: string,
  task: string,
  options: TaskOptions,
  scale = 1,
): Contender | null {
  const version = bench.rivals?.versions[library];
  if (!bench.rivals || version === undefined) return null;
  return { name: `${library} ${version}${name}`, side: bench.rivals.side(task, options, scale) };
}

const rounded = (ratio: Ratio | null) => ({
  ratio: ratio?.median ?? null,
  ratio_q1: ratio?.q1 ?? null,
  ratio_q3: ratio?.q3 ?? null,
});
const msOf = (times: readonly number[]) => quantile(times, 0.5) / 1e6;

/** Resolves to the measurement of a workload and of each of its variants, in this order. */
export async function measure(bench: Bench, work: Workload): Promise<Measurement[]> {
  const rivals = (work.rivals ?? []).filter((one) => one !== null);
  const also = work.also ?? [];
  const before = work.before === undefined ? [] : [work.before];
  const rounds = work.rounds ?? bench.rounds;
  const sides = [work.now, ...also.map(({ now }) => now), ...before, ...rivals.map(({ side }) => side)];
  const times = await interleave(sides, { rounds, minSampleMs: bench.quick ? 1 : 5 });
  const ours = times.slice(0, 1 + also.length);
  const plain = before.length > 0 ? times[ours.length]! : null;
  const theirs = times.slice(ours.length + before.length);
  return ours.map((now, at) => ({
    workload: at === 0 ? work.workload : also[at - 1]!.workload,
    before: plain && (work.beforeName ?? 'plain TypeScript'),
    before_ms: plain && msOf(plain),
    now_ms: msOf(now),
    ...rounded(plain && ratioOf(now, plain)),
    rounds,
    rivals: rivals.map(({ name }, index) => {
      const { median, q1, q3 } = ratioOf(now, theirs[index]!);
      return { name, ms: msOf(theirs[index]!), ratio: median, ratio_q1: q1, ratio_q3: q3 };
    }),
  }));
}

/** Throws when two answers of one workload differ by more than `allowed`, relative to the larger. */
export function mustAgree(what: string, one: number, other: number, allowed: number): void {
  const scale = Math.max(Math.abs(one), Math.abs(other), 1e-300);
  if (!(Math.abs(one - other) <= allowed * scale)) {
    throw new Error(`${what}: ours answers ${one}, the other side ${other}`);
  }
}

/** Resolves once a rival's answer to a task was compared with ours. */
export async function mustAgreeWith(
  bench: Bench,
  task: string,
  options: TaskOptions,
  ours: number,
  allowed: number,
): Promise<void> {
  if (!bench.rivals) return;
  const { value } = await bench.rivals.run(task, options);
  mustAgree(`${task} ${JSON.stringify(options)}`, ours, value ?? Number.NaN, allowed);
}

/** Resolves to the row of a plan: measured now, or pending. */
export async function rowOf(plan: RowPlan, bench: Bench): Promise<Row> {
  const head = { id: plan.id, published: plan.published, published_ratio: plan.publishedRatio };
  if (!plan.measure) {
    return {
      ...head,
      status: 'pending',
      before_ms: null,
      now_ms: null,
      ratio: null,
      rivals: [],
      ...plan.pending,
    };
  }
  const { note, measurements } = await plan.measure(bench);
  const [own, ...beside] = measurements;
  if (!own) throw new Error(`${plan.id} measured nothing`);
  return { ...head, status: 'measured', ...own, note, beside };
}
