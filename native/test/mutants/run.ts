// Breaks the Metal kernels in one place after the other and sees whether the tests notice. A mistake that none of them notices
// is a test that is missing, or a mistake that changes nothing; survivors.ts says which.
//
//   bun native/test/mutants/run.ts [--build build/native] [--sample 300] [--seed 1] [--all] [--only TEXT] [--again]
//
// A sample takes one mistake of each unit (a function, a type) in turn, in a random order. --only takes those whose file and unit
// hold TEXT. What is known of a mistake from an earlier run over the same kernels and tests is not found out again, except with
// --again.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Compiler } from './compile.ts';
import { type Outcome, Results } from './results.ts';
import { mutantsOf } from './sites.ts';
import { ROOT, readSource, type Source } from './source.ts';
import { testsOf } from './suite.ts';
import { explained } from './survivors.ts';
import { type Court, judge, schedulesOf, testsOfKernels, type Trial } from './trial.ts';

const { values: options } = parseArgs({
  options: {
    build: { type: 'string', default: 'build/native' },
    sample: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    all: { type: 'boolean', default: false },
    again: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
});

/** A small generator of pseudo-random numbers in [0, 1): the same seed gives the same sample. Marsaglia 2003, Xorshift RNGs. */
function uniform(seed: number): () => number {
  let state = seed * 2654435761 + 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function trialsOf(source: Source): readonly Trial[] {
  const kernels = new Map(source.units.map((unit) => [unit, source.kernelsOf(unit)]));
  return mutantsOf(source.text).map((mutant) => {
    const unit = source.units.find(({ from, to }) => mutant.from >= from && mutant.from < to)!;
    const file = source.files.findLast(({ from }) => from <= mutant.from)!.name;
    return { file, mutant, unit, kernels: kernels.get(unit)! };
  });
}

/** Returns `count` of them: one of each unit in turn. */
function sample(all: readonly Trial[], count: number, random: () => number): readonly Trial[] {
  const shuffled = all.map((trial) => [random(), trial] as const).sort(([a], [b]) => a - b);
  const taken = new Map<object, number>();
  const turns = shuffled.map(([, trial]) => {
    const turn = (taken.get(trial.unit) ?? 0) + 1;
    taken.set(trial.unit, turn);
    return [turn, trial] as const;
  });
  return turns
    .sort(([a], [b]) => a - b)
    .slice(0, count)
    .map(([, trial]) => trial);
}

/** Says for which kernel the fewest mistakes are known. */
function fewest(source: Source, all: readonly Trial[]): string {
  const counts = source.kernels.map((kernel) => {
    const own = all.filter(({ kernels }) => kernels.includes(kernel)).length;
    const body = all.filter(({ unit }) => unit === kernel).length;
    return { name: kernel.names[0]!, own, body };
  });
  const reached = counts.reduce((least, one) => (one.own < least.own ? one : least));
  const body = counts.reduce((least, one) => (one.body < least.body ? one : least));
  return (
    `at least ${reached.own} for each of ${counts.length} kernels (${reached.name}), ` +
    `${body.body} between the braces of one (${body.name})`
  );
}

/** A survivor as it is printed. */
function described(
  source: Source,
  { file, mutant, unit }: Trial,
): { readonly why: string | undefined; readonly text: string } {
  const { from, text } = source.files.find(({ name }) => name === file)!;
  const line = text.slice(0, mutant.from - from).split('\n').length;
  const words = text.split('\n')[line - 1]!.trim();
  const original = source.text.slice(mutant.from, mutant.to);
  const before = text.slice(0, mutant.from - from).split('\n').at(-1)!.trimStart();
  const why = explained({ file, unit: unit.names[0] ?? '', line: words, before, original, text: mutant.text });
  const change = `${JSON.stringify(original)} -> ${JSON.stringify(mutant.text)}`;
  const head = why ? 'same numbers' : 'SURVIVED';
  return {
    why,
    text: `${head} ${file}:${line} ${mutant.operator} ${change} in: ${words}${why ? `\n  ${why}` : ''}`,
  };
}

async function main(): Promise<number> {
  const source = await readSource();
  const all = trialsOf(source);
  const wanted = all.filter(
    ({ file, unit }) => !options.only || `${file} ${unit.names[0]}`.includes(options.only),
  );
  // All of them in the order of a sample, too: what a run that is ended has done is one.
  const count = options.all ? wanted.length : Number(options.sample);
  const chosen = sample(wanted, count, uniform(Number(options.seed)));
  const build = resolve(ROOT, options.build);
  const kept = join(build, 'mutants');
  mkdirSync(kept, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'mutants-'));
  try {
    const suite = { program: join(build, 'metal_tests'), cache: join(build, 'swmetal/cache') };
    const compiler = await Compiler.prepare(source.text, folder);
    const whole = await compiler.compile(source.text, join(folder, 'whole'), true);
    const tests = await testsOf(suite, whole, source.text, kept);
    const untested = source.kernels.filter((kernel) => testsOfKernels(tests, [kernel]).length === 0);
    if (untested.length > 0)
      throw new Error(`Expected a test of ${untested.map(({ names }) => names[0]).join(', ')}`);
    const results = new Results(join(kept, 'results.txt'));
    const outcomes = await judgeAll({ source, compiler, suite, tests, folder }, chosen, results);
    return report(
      source,
      chosen,
      outcomes,
      `${chosen.length} of ${all.length} mistakes, ${fewest(source, all)}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Finds out about each of them, as many at a time as there are processors. */
async function judgeAll(
  court: Court,
  chosen: readonly Trial[],
  results: Results,
): Promise<Map<Trial, Outcome>> {
  const outcomes = new Map<Trial, Outcome>();
  const queue: (readonly [Trial, readonly string[]])[] = [];
  for (const trial of chosen) {
    const text = court.source.slice(trial.kernels, trial.mutant);
    const parts = [text, schedulesOf(text).join()];
    const known = options.again ? undefined : results.get(parts, testsOfKernels(court.tests, trial.kernels));
    if (known) outcomes.set(trial, known);
    else queue.push([trial, parts]);
  }
  if (outcomes.size > 0) console.log(`${outcomes.size} are known from earlier runs`);
  const total = queue.length;
  const began = Date.now();
  let said = began;
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const [trial, parts] = next;
      const outcome = await judge(court, trial);
      outcomes.set(trial, outcome);
      const { text } = described(court.source, trial);
      const tests = testsOfKernels(court.tests, trial.kernels);
      results.set(parts, tests, outcome, text.split('\n')[0]!.replace(/^(?:SURVIVED|same numbers) /, ''));
      if (Date.now() - said < 30_000) continue;
      said = Date.now();
      const done = total - queue.length;
      const left = ((said - began) / done) * queue.length;
      console.log(`${done} of ${total} done, about ${Math.ceil(left / 60_000)} min left`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return outcomes;
}

/** Prints what survived and the totals; returns the exit code. */
function report(
  source: Source,
  chosen: readonly Trial[],
  outcomes: Map<Trial, Outcome>,
  counted: string,
): number {
  const counts = { compiler: 0, test: 0, survived: 0, explained: 0 };
  for (const trial of chosen) {
    const outcome = outcomes.get(trial)!;
    if (outcome !== 'survived') {
      counts[outcome]++;
      continue;
    }
    const { why, text } = described(source, trial);
    counts[why ? 'explained' : 'survived']++;
    console.log(text);
  }
  const killed = counts.compiler + counts.test;
  const all = killed + counts.survived;
  console.log(
    `${counted}: ${counts.compiler} refused by the compiler, ${counts.test} noticed by tests, ` +
      `${counts.explained} change no number, ${counts.survived} survived`,
  );
  console.log(`mutants: ${killed}/${all} killed (${((100 * killed) / Math.max(1, all)).toFixed(1)} %)`);
  return killed >= 0.95 * all ? 0 : 1;
}

process.exit(await main());
