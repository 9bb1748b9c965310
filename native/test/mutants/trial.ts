// One mistake under trial: the kernels that it breaks, compiled alone, and the tests that run them.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { CompileError } from '../swmetal/metalc/clang.ts';
import type { Compiler } from './compile.ts';
import type { Outcome } from './results.ts';
import type { Mutant } from './sites.ts';
import type { Source } from './source.ts';
import { type Schedule, type Suite, survives, type Test } from './suite.ts';
import type { Unit } from './units.ts';

const INDICATORS = 'native/metal/generated/indicators.metal';

/** A mistake with what it breaks. */
export interface Trial {
  readonly file: string;
  readonly mutant: Mutant;
  readonly unit: Unit;
  readonly kernels: readonly Unit[];
}

/** What trials need. */
export interface Court {
  readonly source: Source;
  readonly compiler: Compiler;
  readonly suite: Suite;
  readonly tests: readonly Test[];
  /** For intermediate files. */
  readonly folder: string;
}

const nameOf = (kernel: Unit): string => kernel.names[0]!;

/** Returns the tests that run one of the kernels. */
export function testsOfKernels(tests: readonly Test[], kernels: readonly Unit[]): readonly Test[] {
  const names = new Set(kernels.map(nameOf));
  return tests.filter((test) => test.kernels.some((kernel) => names.has(kernel)));
}

/** The schedules of a trial: the order of threads matters only where they wait for each other. */
export const schedulesOf = (text: string): readonly Schedule[] =>
  /threadgroup_barrier|simd/.test(text) ? ['forward', 'start', 'reverse', 'random'] : ['forward', 'start'];

/** Finds out who notices the mistake. Throws when the text does not compile without it either. */
export async function judge(court: Court, trial: Trial): Promise<Outcome> {
  // A part that many kernels share is tried with the smallest of them first: nearly always its tests notice.
  const smallest = trial.kernels.reduce((least, one) =>
    sizeOf(court, one) < sizeOf(court, least) ? one : least,
  );
  const first = await judgeKernels(court, trial, [smallest]);
  if (first !== 'survived' || trial.kernels.length === 1) return first;
  return await judgeKernels(court, trial, trial.kernels);
}

const sizes = new WeakMap<Unit, number>();

function sizeOf({ source }: Court, kernel: Unit): number {
  const size = sizes.get(kernel) ?? source.slice([kernel]).length;
  sizes.set(kernel, size);
  return size;
}

async function judgeKernels(court: Court, { mutant }: Trial, kernels: readonly Unit[]): Promise<Outcome> {
  const { source, suite, folder, compiler } = court;
  const base = join(folder, crypto.randomUUID());
  const text = source.slice(kernels, mutant);
  try {
    const library = await compiler.compile(text, base, mutant.operator === 'address space');
    const tests = testsOfKernels(court.tests, kernels);
    const rows = rowsOf(court, kernels);
    return (await survives(suite, library, tests, rows, schedulesOf(text))) ? 'survived' : 'test';
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    await checkWhole(court, kernels);
    return 'compiler';
  } finally {
    for (const end of ['metal', 'clcpp', 'o', 'so']) rmSync(`${base}.${end}`, { force: true });
  }
}

// Indicators are run one by one, since one test goes through all of them.
function rowsOf({ source }: Court, kernels: readonly Unit[]): readonly string[] {
  const { from, text } = source.files.find(({ name }) => name === INDICATORS)!;
  const own = kernels.every((kernel) => kernel.from >= from && kernel.from < from + text.length);
  return own ? kernels.map((kernel) => nameOf(kernel).replace(/_f32$/, '')) : [];
}

const whole = new WeakMap<Source, Set<string>>();

// What is left out for the kernels must not be why they do not compile.
async function checkWhole({ source, folder, compiler }: Court, kernels: readonly Unit[]): Promise<void> {
  const known = whole.get(source) ?? new Set();
  whole.set(source, known);
  const names = kernels.map(nameOf).join(' ');
  if (known.has(names)) return;
  await compiler.compile(source.slice(kernels), join(folder, `whole-${crypto.randomUUID()}`), true);
  known.add(names);
}
