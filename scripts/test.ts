// `make test`: builds and runs the native tests, then runs the TypeScript tests, and closes with the totals of both.
// `--with sanitized` also runs the native tests with the address and undefined-behaviour sanitizers, `--with mutants` breaks some
// Metal kernels to see whether a test notices; `--only NAME...` runs what is named and nothing else.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { bunTotals, closingLine, ctestTotals, failures, sum, type Totals } from './test-totals.ts';

const root = resolve(import.meta.dir, '..');
const totalsFile = resolve(root, 'build/test/totals');
const FOLDERS = ['./src', './engines', './native', './bench', './scripts', './test'];
// Of one test: no test waits for a time, but a busy machine may need long.
const TEST_MS = '120000';
const FAILED_TO_BUILD: Totals = { passed: 0, failed: 1, skipped: 0 };

/** One runner: returns its totals, having streamed its output. */
const SUITES: Readonly<Record<string, () => Promise<Totals>>> = {
  // With the addon, whose kernels they share.
  native: () => nativeTests('build/native', process.execPath, 'run', 'build:native'),
  // Several files at once, each in a fresh global object: tests wait for processes much of their time, so that one more than cores pays.
  typescript: async () => {
    const { output, exitCode } = await run(
      1500,
      process.execPath,
      'test',
      `--parallel=${availableParallelism() + 1}`,
      '--timeout',
      TEST_MS,
      ...FOLDERS,
    );
    return bunTotals(output, exitCode);
  },
};

// Left out unless asked for: building the kernels once more takes minutes, for every vector width a quarter of an hour.
const EXTRA: typeof SUITES = {
  sanitized: () => sanitizedTests('build/sanitized'),
  mutants: async () => {
    const { exitCode } = await run(600, process.execPath, 'native/test/mutants/run.ts', '--sample', '60');
    return { passed: exitCode === 0 ? 1 : 0, failed: exitCode === 0 ? 0 : 1, skipped: 0 };
  },
  'sanitized-widths': () => sanitizedTests('build/sanitized-widths', '-DNAUTILUS_SANITIZE_WIDTHS=ON'),
};

function sanitizedTests(folder: string, ...options: string[]): Promise<Totals> {
  return nativeTests(folder, 'cmake', '-S', '.', '-B', folder, '-DNAUTILUS_SANITIZE=ON', ...options);
}

/** Builds and runs the native tests in `folder`, which `configure` prepares. */
async function nativeTests(folder: string, ...configure: string[]): Promise<Totals> {
  const parallel = String(availableParallelism());
  const build = ['cmake', '--build', folder, '--target', 'tests', '--parallel', parallel];
  // What was found when the addon was first built may be less than there is now: tools of the tests come later.
  for (const command of [configure, ['cmake', folder], build]) {
    if ((await run(1200, ...command)).exitCode !== 0) return FAILED_TO_BUILD;
  }
  const ctest = ['ctest', '--test-dir', folder, '--verbose', '--no-tests=error'];
  const { output, exitCode } = await run(600, ...ctest);
  return ctestTotals(output, exitCode);
}

/** What failed so far, with why, to be shown once more at the end: of a long log often only its end is kept. */
const failed: string[] = [];

/** Runs a command, shows and returns its output, and kills it after `seconds`. */
async function run(seconds: number, ...command: string[]): Promise<{ output: string; exitCode: number }> {
  const child = Bun.spawn(command, {
    cwd: root,
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
  });
  const copy = async (from: ReadableStream<Uint8Array>, to: NodeJS.WriteStream): Promise<string> => {
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of from) {
      to.write(chunk);
      text += decoder.decode(chunk, { stream: true });
    }
    return text;
  };
  // The two streams stay apart in what is returned, so that a line of one never splits a line of the other.
  const texts = await Promise.all([copy(child.stdout, process.stdout), copy(child.stderr, process.stderr)]);
  const exitCode = await child.exited;
  if (child.signalCode) {
    const ended = `${command[0]} was ended by ${child.signalCode}`;
    console.log(ended);
    failed.push(ended);
  }
  const output = texts.join('\n');
  failed.push(...failures(output));
  return { output, exitCode };
}

async function main(args: readonly string[]): Promise<number> {
  const all = { ...SUITES, ...EXTRA };
  const names = Object.keys(all);
  const [how, ...named] = args;
  const chosen = how === '--only' ? named : [...Object.keys(SUITES), ...named];
  if (
    (how !== undefined && how !== '--only' && how !== '--with') ||
    named.some((name) => !names.includes(name))
  ) {
    console.error(
      `Expected no argument, or --only or --with and names among ${names.join(', ')}; was ${args.join(' ')}`,
    );
    return 2;
  }
  mkdirSync(resolve(totalsFile, '..'), { recursive: true });
  rmSync(totalsFile, { force: true });
  let total: Totals = { passed: 0, failed: 0, skipped: 0 };
  for (const name of chosen) {
    console.log(`\n== ${name} tests`);
    const totals = await all[name]!();
    console.log(`== ${name}: ${closingLine(totals)} after ${Math.round(process.uptime())} s`);
    total = sum([total, totals]);
    // After each part: whoever ends this run in the middle has what it found so far.
    writeFileSync(totalsFile, `${total.passed} ${total.failed} ${total.skipped}\n`);
  }
  if (failed.length > 0) console.log(`\n== failed\n${failed.join('\n')}`);
  console.log(`\n${closingLine(total)}`);
  if (total.passed + total.failed === 0) console.log('no test ran');
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
