// `make bench`: runs the benches, each in its own process, prints their tables and keeps them with the machine's stamp
// in build/bench/<date>.json and .md.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadNow, stamp, stampMarkdown } from './machine.ts';
import { markdown, OUTPUT_VARIABLE, type Section } from './report.ts';

/** The benches by the name of their group, in the order in which they run. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  speedups: ['speedups/speedups.bench.ts'],
  kernels: ['kernels/kernels.bench.ts', 'kernels/indicators.bench.ts', 'kernels/roofline.bench.ts'],
  engines: [
    'engines/hot-path.bench.ts',
    'engines/inference.bench.ts',
    'engines/router.bench.ts',
    'engines/health.bench.ts',
  ],
  learning: [
    'learning/classic.bench.ts',
    'learning/validation.bench.ts',
    'learning/networks.bench.ts',
    'learning/trees.bench.ts',
    'learning/automl.bench.ts',
    'learning/sentiment.bench.ts',
    'learning/assign.bench.ts',
    'learning/samplers.bench.ts',
    'learning/drift.bench.ts',
  ],
  bus: [
    'bus/bus.bench.ts',
    'bus/hub-echo.bench.ts',
    'bus/log.bench.ts',
    'bus/redis.bench.ts',
    'bus/redis-log.bench.ts',
    'bus/redis-cluster.bench.ts',
    'bus/durable.bench.ts',
  ],
  store: ['store/store.bench.ts', 'store/registry.bench.ts'],
  jobs: ['jobs/jobs.bench.ts'],
  replay: ['replay/replay.bench.ts'],
  marketdata: [
    'marketdata/capture.bench.ts',
    'marketdata/bars.bench.ts',
    'marketdata/latency.bench.ts',
    'marketdata/history.bench.ts',
    'marketdata/import.bench.ts',
  ],
  serving: ['serving/serving.bench.ts', 'serving/decisions.bench.ts'],
  start: ['engines/start.bench.ts'],
};

const output = resolve(import.meta.dir, '../build/bench');

/** Runs one bench; returns its sections and whether it ended well. What it prints beside them is shown as it comes. */
async function runBench(path: string, flags: readonly string[], scratch: string) {
  const start = performance.now();
  const file = join(scratch, `${path.replaceAll('/', '-')}.jsonl`);
  writeFileSync(file, '');
  const child = Bun.spawn([process.execPath, join(import.meta.dir, path), ...flags], {
    env: { ...process.env, [OUTPUT_VARIABLE]: file },
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
  });
  const ok = (await child.exited) === 0;
  const seconds = (performance.now() - start) / 1000;
  const sections = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Section);
  return { ok, sections, seconds };
}

async function main(args: readonly string[]): Promise<number> {
  const names = Object.keys(GROUPS);
  const chosen = args.filter((arg) => arg !== '--quick');
  if (chosen.some((name) => !names.includes(name))) {
    console.error(`Expected --quick and groups among ${names.join(', ')}; was ${args.join(' ')}`);
    return 2;
  }
  const flags = args.includes('--quick') ? ['--quick'] : [];
  const taken = stamp();
  const head = `# Benches${flags.length > 0 ? ' (quick: few runs, wide spread)' : ''}\n\n${stampMarkdown(taken)}`;
  console.log(head);

  const scratch = mkdtempSync(join(tmpdir(), 'nautilus-bench-'));
  const results: (Section & { readonly group: string; readonly bench: string })[] = [];
  const failed: string[] = [];
  const took: string[] = [];
  try {
    for (const group of names.filter((name) => chosen.length === 0 || chosen.includes(name))) {
      for (const path of GROUPS[group]!) {
        const { ok, sections, seconds } = await runBench(path, flags, scratch);
        if (!ok) failed.push(path);
        took.push(`${path} ${seconds.toFixed(0)} s`);
        for (const section of sections) {
          console.log(markdown(section));
          results.push({ group, bench: path, ...section });
        }
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }

  const foot = `Load average at the end: ${loadNow()}. Time: ${took.join(', ')}.${failed.length > 0 ? ` Failed: ${failed.join(', ')}.` : ''}\n`;
  mkdirSync(output, { recursive: true });
  const base = join(output, taken.date.replaceAll(':', '-').replace(/\.\d+/, ''));
  writeFileSync(`${base}.json`, `${JSON.stringify({ stamp: taken, failed, results }, null, 2)}\n`);
  writeFileSync(`${base}.md`, [head, ...results.map(markdown), foot].join('\n'));
  console.log(`${foot}Kept in ${base}.json and .md`);
  return failed.length > 0 ? 1 : 0;
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)));
