// `make test`: builds and runs the native tests, then runs the TypeScript tests, and closes with the totals of both.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { bunTotals, closingLine, ctestTotals, sum, type Totals } from './test-totals.ts';

const root = resolve(import.meta.dir, '..');
const totalsFile = resolve(root, 'build/test/totals');
const nativeBuild = 'build/native-tests';
const FOLDERS = ['./src', './engines', './native', './bench', './scripts', './test'];
const FAILED_TO_BUILD: Totals = { passed: 0, failed: 1, skipped: 0 };

/** One runner: returns its totals, having streamed its output. */
const SUITES: Readonly<Record<string, () => Promise<Totals>>> = {
  native: async () => {
    const configure = [
      '-S',
      '.',
      '-B',
      nativeBuild,
      '-DNAUTILUS_NATIVE_TESTS=ON',
      '-DCMAKE_BUILD_TYPE=Release',
    ];
    const build = [
      '--build',
      nativeBuild,
      '--target',
      'native_tests',
      '--parallel',
      String(availableParallelism()),
    ];
    for (const args of [configure, build]) {
      if ((await run(600, 'cmake', ...args)).exitCode !== 0) return FAILED_TO_BUILD;
    }
    const { output, exitCode } = await run(
      600,
      'ctest',
      '--test-dir',
      nativeBuild,
      '--verbose',
      '--no-tests=error',
    );
    return ctestTotals(output, exitCode);
  },
  typescript: async () => {
    const { output, exitCode } = await run(900, process.execPath, 'test', '--isolate', ...FOLDERS);
    return bunTotals(output, exitCode);
  },
};

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
  if (child.signalCode) console.log(`${command[0]} was ended by ${child.signalCode}`);
  return { output: texts.join('\n'), exitCode };
}

async function main(args: readonly string[]): Promise<number> {
  const names = Object.keys(SUITES);
  const chosen = args[0] === '--only' ? args.slice(1) : names;
  if ((args.length > 0 && args[0] !== '--only') || chosen.some((name) => !names.includes(name))) {
    console.error(
      `Expected no argument or --only with names among ${names.join(', ')}; was ${args.join(' ')}`,
    );
    return 2;
  }
  mkdirSync(resolve(totalsFile, '..'), { recursive: true });
  rmSync(totalsFile, { force: true });
  const all: Totals[] = [];
  for (const name of chosen) {
    console.log(`\n== ${name} tests`);
    const totals = await SUITES[name]!();
    console.log(`== ${name}: ${closingLine(totals)}`);
    all.push(totals);
  }
  const total = sum(all);
  writeFileSync(totalsFile, `${total.passed} ${total.failed} ${total.skipped}\n`);
  console.log(`\n${closingLine(total)}`);
  if (total.passed + total.failed === 0) console.log('no test ran');
  return total.failed > 0 || total.passed === 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
