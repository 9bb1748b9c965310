// `make test-metal`: the Metal kernels on the GPU of this Mac against its CPU, each test in a process of its own with a limit, and a
// report to send back in build/metal-report.txt. Ends with 2 where there is no Metal: nothing was tested then.
//
//   bun scripts/test-metal.ts [--seconds 120] [--software]
//
// --software does the same over the software device of Linux: it tries this script, not a GPU.
import { existsSync } from 'node:fs';
import { arch, cpus, release, totalmem, type } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isVirtual, judge, mergeRows, type Outcome, type Row, readSeen, reportOf } from './metal-report.ts';

const ROOT = resolve(import.meta.dir, '..');
const BUILD = join(ROOT, 'build/native');
const PROGRAM = join(BUILD, 'metal_tests');
const REPORT = join(ROOT, 'build/metal-report.txt');
const COUNTERS = /^commands .*$/m;

async function run(command: readonly string[], seconds: number, shows = false) {
  const began = performance.now();
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    env: { ...process.env, METAL_TEST_REPORT: '1', SWM_CACHE: join(BUILD, 'swmetal/cache') },
    stdout: shows ? 'inherit' : 'pipe',
    stderr: shows ? 'inherit' : 'pipe',
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
  });
  const read = (stream: ReadableStream<Uint8Array> | undefined) =>
    stream ? new Response(stream).text() : '';
  const [out, err] = await Promise.all([read(child.stdout), read(child.stderr)]);
  const code = await child.exited;
  const took = (performance.now() - began) / 1000;
  return { output: out + err, exitCode: child.signalCode === 'SIGKILL' ? null : code, seconds: took };
}

async function line(...command: string[]): Promise<string> {
  if (!Bun.which(command[0]!)) return '';
  const { output, exitCode } = await run(command, 60);
  return exitCode === 0 ? output.trim() : '';
}

async function machine(): Promise<readonly string[]> {
  const commit = await line('git', 'rev-parse', '--short', 'HEAD');
  const changes = (await line('git', 'status', '--porcelain')) === '' ? '' : ' with changes';
  const model = await line('sysctl', '-n', 'hw.model');
  const system = (await line('sw_vers')).split('\n').map((text) => text.replace(/\s+/g, ' '));
  return [
    `date: ${new Date().toISOString()}`,
    `commit: ${commit}${changes}`,
    `machine: ${[model, cpus()[0]?.model, arch(), `${Math.round(totalmem() / 2 ** 30)} GiB`].filter(Boolean).join(', ')}`,
    `system: ${[...system, type(), release()].filter(Boolean).join(', ')}`,
  ];
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { seconds: { type: 'string', default: '120' }, software: { type: 'boolean', default: false } },
  });
  if (process.platform !== 'darwin' && !values.software) {
    console.error(
      'make test-metal needs a Mac: this machine has no Metal, so nothing was tested. `make test-swmetal` runs the same kernels on ' +
        'a software device here; docs/hardware.md says what that shows and what it cannot.',
    );
    return 2;
  }
  if (
    (await run(['cmake', '--build', BUILD, '--target', 'metal_tests', '--parallel'], 3600, true)).exitCode !==
    0
  )
    return 1;
  if (!existsSync(PROGRAM)) throw new Error(`Expected the build to make ${PROGRAM}, was none`);
  const seconds = Number(values.seconds);
  // The device is looked at first, by a test that opens it.
  const opened = await run([PROGRAM, 'the device opens'], seconds);
  const { device, broken } = readSeen(opened.output);
  if (device === '' || device.startsWith(':')) {
    console.error(
      `There is no Metal device here, so nothing was tested. metal_tests said:\n${opened.output.trim()}`,
    );
    return 2;
  }
  const listed = (await run([PROGRAM, '--list'], seconds)).output.trim().split('\n');
  const outcomes: Outcome[] = [];
  const rows: Row[] = [];
  const totals = new Map<string, number>();
  for (const [file, sentence] of listed.map((text) => text.split('\t') as [string, string])) {
    const stop = isVirtual(device) ? ['--stop'] : [];
    const ended = await run([PROGRAM, ...stop, sentence], seconds);
    const outcome = judge(sentence, ended, { name: device, broken });
    outcomes.push(outcome);
    rows.push(...readSeen(ended.output).rows);
    for (const [, name, count] of COUNTERS.exec(ended.output)?.[0].matchAll(/(\w+) ([\d.]+)/g) ?? [])
      totals.set(name!, (totals.get(name!) ?? 0) + Number(count));
    const word = { passed: 'ok  ', failed: 'FAIL', skipped: 'skip' }[outcome.result];
    console.log(
      `${word} ${basename(file)}: ${sentence}${outcome.reason ? `\n       ${outcome.reason}` : ''}`,
    );
  }
  const counters = [...totals].map(([name, count]) => `${name}: ${Number(count.toFixed(1))}`);
  const report = reportOf(await machine(), { device, broken, rows: mergeRows(rows) }, outcomes, counters);
  await Bun.write(REPORT, report);
  console.log(`\n${report.slice(report.indexOf('Worst difference'))}`);
  const failed = outcomes.filter(({ result }) => result === 'failed').length;
  const skipped = outcomes.filter(({ result }) => result === 'skipped').length;
  console.log(
    `${device}: ${outcomes.length - failed - skipped} passed, ${failed} failed, ${skipped} skipped`,
  );
  console.log('Please send back build/metal-report.txt, whatever it says.');
  return failed > 0 ? 1 : 0;
}

process.exitCode = await main();
