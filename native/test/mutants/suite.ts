// The Metal tests as judges: which test runs which kernel, how long each takes, and whether they notice a broken kernel.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** One test of metal_tests. */
export interface Test {
  readonly sentence: string;
  readonly file: string;
  readonly kernels: readonly string[];
  /** Seconds of a processor that it takes when nothing is broken. */
  readonly seconds: number;
}

/** How the software device runs: orders of threads and groups, and `start`, where guards lie before buffers, not after them. */
export type Schedule = 'forward' | 'start' | 'reverse' | 'random';

/** The built tests. */
export interface Suite {
  readonly program: string;
  /** Folder of what the software device compiled. */
  readonly cache: string;
}

const run = async (
  { program, cache }: Suite,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  seconds: number,
): Promise<{ output: string; passed: boolean }> => {
  // Seconds of a processor, so that a busy machine ends no test: a loop without an end takes as many as it gets.
  const child = Bun.spawn(['sh', '-c', `ulimit -t ${seconds}; exec "$0" "$@"`, program, ...args], {
    env: { ...process.env, SWM_CACHE: cache, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { output: out + err, passed: code === 0 };
};

const ofSchedule = (schedule: Schedule): Record<string, string> =>
  schedule === 'start' ? { SWM_SCHEDULE: 'forward', SWM_ALIGN: 'start' } : { SWM_SCHEDULE: schedule };

/**
 * Returns the tests that run kernels, having run all of them with the kernels of `library` under every schedule: kernels that do
 * not pass whole would notice every mistake. Throws when one fails.
 */
export async function testsOf(
  suite: Suite,
  library: string,
  text: string,
  folder: string,
): Promise<readonly Test[]> {
  const folders = ['', 'Release'].map((name) => join(dirname(suite.program), name, 'libSoftMetal.so'));
  const hash = createHash('sha256');
  for (const file of [suite.program, ...folders.filter((path) => existsSync(path))])
    hash.update(await Bun.file(file).bytes());
  hash.update(text);
  const kept = join(folder, `tests-${hash.digest('hex').slice(0, 16)}.json`);
  if (existsSync(kept)) return await Bun.file(kept).json();
  const tryWith = async (schedule: Schedule): Promise<string> => {
    const env = { ...ofSchedule(schedule), SWM_PATCH: library, SWM_TRACE: '1' };
    const { output, passed } = await run(suite, ['--times'], env, 1200);
    if (!passed) throw new Error(`Expected metal_tests to pass (${schedule}), was:\n${output.slice(-2000)}`);
    return output;
  };
  const [, forward] = await Promise.all([
    tryWith('start').then(() => tryWith('reverse')),
    tryWith('forward'),
  ]);
  await tryWith('random');
  const tests = traced(forward);
  await Bun.write(kept, JSON.stringify(tests));
  return tests;
}

function traced(output: string): Test[] {
  const tests: Test[] = [];
  let kernels = new Set<string>();
  let last: string | undefined;
  for (const line of output.split('\n')) {
    const kernel = /^runs (\w+)$/.exec(line)?.[1];
    if (kernel) kernels.add((last = kernel));
    const [, sentence, seconds, file] = /^ok {3}(.*) \(([\d.]+) s, (.*)\)$/.exec(line) ?? [];
    if (!sentence) continue;
    tests.push({ sentence, file: file!, kernels: [...kernels], seconds: Number(seconds) });
    // It is not printed again when the next test begins with it.
    kernels = new Set(last ? [last] : []);
  }
  return tests.filter((test) => test.kernels.length > 0);
}

/** Whether the tests pass with the kernels of `library` under all of the schedules; they end at the first check that fails. */
export async function survives(
  suite: Suite,
  library: string,
  tests: readonly Test[],
  rows: readonly string[],
  schedules: readonly Schedule[],
): Promise<boolean> {
  const seconds = Math.ceil(3 + 5 * tests.reduce((sum, test) => sum + test.seconds, 0));
  const sentences = tests.map(({ sentence }) => sentence);
  const some: Record<string, string> = rows.length > 0 ? { METAL_TEST_ROWS: `,${rows.join()},` } : {};
  for (const schedule of schedules) {
    const env = { ...ofSchedule(schedule), ...some, SWM_PATCH: library };
    if (!(await run(suite, ['--stop', ...sentences], env, seconds)).passed) return false;
  }
  return true;
}
