// `make test-swmetal`: the Metal kernels on the software device, under every schedule, and then broken on purpose. Closes with
// `swmetal: N kernels, N parity checks passed, N/N mutants killed`. Arguments go to native/test/mutants/run.ts (`--all`).
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dir, '..');
const BUILD = join(ROOT, 'build/native');
const FOLDERS = ['native/metal/kernels', 'native/metal/generated'];

async function run(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly output: string; readonly exitCode: number }> {
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    env: { ...process.env, SWM_CACHE: join(BUILD, 'swmetal/cache'), ...env },
    stdout: 'pipe',
    stderr: 'inherit',
  });
  let output = '';
  const decoder = new TextDecoder();
  for await (const chunk of child.stdout) {
    process.stdout.write(chunk);
    output += decoder.decode(chunk, { stream: true });
  }
  return { output, exitCode: await child.exited };
}

const figure = (output: string, pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? 0);

async function main(args: readonly string[]): Promise<number> {
  const build = ['cmake', '--build', BUILD, '--target', 'metal_tests', '--parallel'];
  if ((await run(build)).exitCode !== 0) return 1;
  let passed = 0;
  let failed = 0;
  for (const schedule of ['forward', 'reverse', 'random']) {
    console.log(`\n== ${schedule} schedule`);
    const { output, exitCode } = await run([join(BUILD, 'metal_tests')], { SWM_SCHEDULE: schedule });
    const broken = figure(output, /checks, (\d+) failed/);
    passed += figure(output, /(\d+) checks, /) - broken;
    failed += broken + (exitCode !== 0 && broken === 0 ? 1 : 0);
  }
  console.log('\n== mutants');
  const mutants = await run([process.execPath, 'native/test/mutants/run.ts', ...args]);
  let kernels = 0;
  for (const folder of FOLDERS) {
    for (const file of readdirSync(join(ROOT, folder)))
      kernels += ((await Bun.file(join(ROOT, folder, file)).text()).match(/^kernel void /gm) ?? []).length;
  }
  const killed = /mutants: (\d+\/\d+) killed/.exec(mutants.output)?.[1] ?? '0/0';
  const lost = failed > 0 ? `, ${failed} failed` : '';
  console.log(`swmetal: ${kernels} kernels, ${passed} parity checks passed${lost}, ${killed} mutants killed`);
  return failed > 0 || mutants.exitCode !== 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
