// Breaks the Metal kernels in one place after the other and sees whether the tests notice. A mistake that none of them notices
// is a test that is missing, or a mistake that changes nothing; survivors.ts says which.
//
//   bun native/test/mutants/run.ts [--build build/native] [--sample 200] [--seed 1] [--all] [--only TEXT]
//
// A sample takes one mistake of each function in turn, in a random order. --only takes those whose file and function hold TEXT.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Mutant, mutantsOf, mutated } from './sites.ts';
import { explained } from './survivors.ts';

const ROOT = resolve(import.meta.dir, '../../..');
const GENERATED = 'native/metal/generated/indicators.metal';
const FRAME = 'native/metal/kernels/indicator_frame.metal';
const SECONDS = 60;
const TRAPS = '-fsanitize=array-bounds,integer-divide-by-zero -fsanitize-trap=all';
const SCHEDULES = ['forward', 'start'];

/** A mutant with the source that a test compiles, and the tests that have to notice it. */
interface Trial {
  readonly file: string;
  readonly mutant: Mutant;
  readonly source: () => string;
  readonly tests: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Sources that compile together, those of them that are broken here, and the tests that have to notice. */
interface Family {
  readonly files: readonly string[];
  readonly own: readonly string[];
  readonly tests: string;
}

const path = (name: string) => `native/metal/kernels/${name}.metal`;
const PATHS = ['random', 'montecarlo_math', 'sobol', 'montecarlo_paths', 'montecarlo_option', 'montecarlo_basket'];
const SIMULATIONS = [...PATHS, 'montecarlo_portfolio'].map(path);
const STATISTICS = ['wide', 'exact', 'rolling', 'pairs', 'order', 'select', 'cross', 'ewm', 'drawdown', 'histogram']
  .map((name) => `statistics_${name}`)
  .map(path);

const simulation = (own: readonly string[], tests: string): Family => ({
  files: SIMULATIONS,
  own: own.map(path),
  tests: `metal_montecarlo_${tests}_test`,
});

const statistics = (own: readonly string[], tests: string): Family => ({
  files: STATISTICS,
  own: own.map((name) => path(`statistics_${name}`)),
  tests: `metal_statistics_${tests}_test`,
});

const FAMILIES: readonly Family[] = [
  { files: [FRAME, GENERATED], own: [FRAME, GENERATED], tests: 'metal_indicators_test' },
  { files: [path('gemm')], own: [path('gemm')], tests: 'metal_matrix_test' },
  simulation(['random', 'sobol'], 'random'),
  simulation(['montecarlo_math', 'montecarlo_paths', 'montecarlo_option'], 'option'),
  simulation(['montecarlo_basket', 'montecarlo_portfolio'], 'assets'),
  statistics(['wide', 'rolling'], 'rolling'),
  statistics(['drawdown'], 'drawdown'),
  statistics(['pairs'], 'pairs'),
  statistics(['exact', 'order'], 'order'),
  statistics(['cross'], 'cross'),
  statistics(['ewm'], 'ewm'),
  statistics(['select', 'histogram'], 'samples'),
  { files: [path('statistics_wide'), path('quadratic')], own: [path('quadratic')], tests: 'metal_quadratic_test' },
  { files: [path('statistics_wide'), path('portfolio_scenarios')], own: [path('portfolio_scenarios')], tests: 'metal_portfolio_scenarios_test' },
  { files: [path('statistics_wide'), path('portfolio_limits')], own: [path('portfolio_limits')], tests: 'metal_portfolio_limits_test' },
  { files: [path('statistics_wide'), path('portfolio_attribution')], own: [path('portfolio_attribution')], tests: 'metal_portfolio_attribution_test' },
  { files: [path('statistics_exact'), path('learning_trees')], own: [path('learning_trees')], tests: 'metal_learning_trees_test' },
];

const { values: options } = parseArgs({
  options: {
    build: { type: 'string', default: 'build/native' },
    sample: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    all: { type: 'boolean', default: false },
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

// What is left of the generated kernels when one indicator is tested: it compiles in a fraction of the time.
function alone(text: string, row: string): string {
  const own = new RegExp(`^struct (?!${row}\\b)(\\w+) \\{\\n  static constant[\\s\\S]*?^\\};\\n`, 'gmi');
  const kernels = new RegExp(`^kernel void (?!${row}_f32)\\w+\\([\\s\\S]*?^\\}\\n`, 'gm');
  return text.replaceAll(own, '').replaceAll(kernels, '');
}

async function trials(): Promise<Trial[]> {
  const all: Trial[] = [];
  for (const { files, own: broken, tests } of FAMILIES) {
    const texts = await Promise.all(files.map((file) => Bun.file(join(ROOT, file)).text()));
    const rows = [...texts.join('').matchAll(/^kernel void (\w+)_f32/gm)].map(([, row]) => row!);
    for (const [at, file] of files.entries()) {
      if (!broken.includes(file)) continue;
      for (const mutant of mutantsOf(texts[at]!)) {
        const row =
          file === GENERATED
            ? rows.find((one) => [one, `${one}_f32`].includes(mutant.unit.toLowerCase()))
            : undefined;
        all.push({
          file,
          mutant,
          tests,
          env: row ? { METAL_TEST_ROW: row } : {},
          source: () => {
            const own = texts.with(at, mutated(texts[at]!, mutant)).join('\n');
            return row ? alone(own, row) : own;
          },
        });
      }
    }
  }
  return all;
}

/** Returns `count` of them: one of each unit in turn. */
function sample(all: readonly Trial[], count: number, random: () => number): Trial[] {
  const shuffled = all
    .map((trial) => [random(), trial] as const)
    .sort(([a], [b]) => a - b)
    .map(([, trial]) => trial);
  const taken = new Map<string, number>();
  const turn = shuffled.map((trial) => {
    const unit = `${trial.file} ${trial.mutant.unit.toLowerCase().replace(/_f32$/, '')}`;
    taken.set(unit, (taken.get(unit) ?? 0) + 1);
    return [taken.get(unit)!, trial] as const;
  });
  return turn
    .sort(([a], [b]) => a - b)
    .slice(0, count)
    .map(([, trial]) => trial);
}

type Outcome = 'compiler' | 'test' | 'survived';

async function judge(trial: Trial, folder: string, schedules: readonly string[]): Promise<Outcome> {
  const source = join(folder, `${crypto.randomUUID()}.metal`);
  await Bun.write(source, trial.source());
  try {
    for (const schedule of schedules) {
      const child = Bun.spawn([join(ROOT, options.build, 'metal_tests'), trial.tests], {
        env: {
          ...process.env,
          ...trial.env,
          SWM_SOURCE: source,
          SWM_SCHEDULE: schedule === 'start' ? 'forward' : schedule,
          // A step before the start of a buffer is found where a guard lies there, one beyond an array of a thread by a trap.
          ...(schedule === 'start' ? { SWM_ALIGN: 'start', SWM_CFLAGS: TRAPS } : {}),
          SWM_CACHE: folder,
        },
        stdout: 'pipe',
        stderr: 'pipe',
        timeout: SECONDS * 1000,
        killSignal: 'SIGKILL',
      });
      const output = await new Response(child.stdout).text();
      if ((await child.exited) !== 0) return output.includes('did not compile') ? 'compiler' : 'test';
    }
    return 'survived';
  } finally {
    rmSync(source, { force: true });
  }
}

async function main(): Promise<number> {
  const all = (await trials()).filter(
    ({ file, mutant }) => !options.only || `${file} ${mutant.unit}`.includes(options.only),
  );
  const random = uniform(Number(options.seed));
  const chosen = options.all ? all : sample(all, Number(options.sample), random);
  mkdirSync(join(ROOT, options.build), { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'mutants-'));
  const counts = { compiler: 0, test: 0, survived: 0, explained: 0 };
  // Sources that do not work as they are would notice every mistake.
  for (const { files, tests } of FAMILIES) {
    const texts = await Promise.all(files.map((file) => Bun.file(join(ROOT, file)).text()));
    const nothing = { operator: 'none', unit: '', line: 1, from: 0, to: 0, text: '' };
    const whole = { file: files[0]!, mutant: nothing, source: () => texts.join('\n'), tests, env: {} };
    const outcome = await judge(whole, folder, ['forward']);
    if (outcome !== 'survived') throw new Error(`Expected ${tests} to pass over ${files.join(', ')}, was ${outcome}`);
  }
  const queue = [...chosen];
  const worker = async () => {
    for (let trial = queue.shift(); trial; trial = queue.shift()) {
      const { file, mutant } = trial;
      const barriers = trial.source().includes('threadgroup_barrier');
      const outcome = await judge(trial, folder, barriers ? [...SCHEDULES, 'reverse', 'random'] : SCHEDULES);
      if (outcome !== 'survived') {
        counts[outcome]++;
        continue;
      }
      const original = (await Bun.file(join(ROOT, file)).text()).slice(mutant.from, mutant.to);
      const line = (await Bun.file(join(ROOT, file)).text()).split('\n')[mutant.line - 1]!.trim();
      const why = explained({ file, unit: mutant.unit, line, original, text: mutant.text });
      counts[why ? 'explained' : 'survived']++;
      const change = `${JSON.stringify(original)} -> ${JSON.stringify(mutant.text)}`;
      console.log(`${why ? 'same numbers' : 'SURVIVED'} ${file}:${mutant.line} ${mutant.operator} ${change} in: ${line}`);
      if (why) console.log(`  ${why}`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  rmSync(folder, { recursive: true, force: true });
  const killed = counts.compiler + counts.test;
  const counted = killed + counts.survived;
  console.log(
    `${chosen.length} of ${all.length} mutants: ${counts.compiler} refused by the compiler, ${counts.test} noticed by tests, ` +
      `${counts.explained} change no number, ${counts.survived} survived`,
  );
  console.log(`mutants: ${killed}/${counted} killed (${((100 * killed) / Math.max(1, counted)).toFixed(1)} %)`);
  return killed >= 0.95 * counted ? 0 : 1;
}

process.exit(await main());
