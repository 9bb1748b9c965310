// Soak: real captures replayed in a loop through the running system, memory sampled. A slope that stays above 0 means that something is kept
// for every record or every replay; a round that tells fewer records than the one before means that something was lost. Not part of the table of benches.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sharedData } from '../../test/shared-data.ts';
import { TestSystem } from '../../test/support/system.ts';

const FILES = ['binance-spot-btcusdt-20240808.gz', 'binance-usdm-btcusdt-20240808.gz'];
const SAMPLE_MS = 5000;
const MIB = 2 ** 20;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, speed: { type: 'string', default: '20' } },
});
const minutes = Number(values.minutes);
const speed = values.speed === 'max' ? 'max' : Number(values.speed);
if (!(minutes > 0) || Number.isNaN(speed)) throw new Error('Expected numbers for --minutes and --speed');
const captures = FILES.map((name) => ({ name, path: sharedData(`captures/${name}`) }));
if (captures.some(({ path }) => path === null))
  throw new Error('Expected ../shared/data/captures beside the checkout');

interface Sample {
  readonly s: number;
  /** Resident MiB by engine. */
  readonly mib: ReadonlyMap<string, number>;
}

interface Round {
  readonly replay_id: string;
  readonly state: string;
  readonly published: Readonly<Record<string, number>>;
  readonly records: Readonly<Record<string, number>>;
  readonly max_lag_ms: number;
  readonly progress_url: string;
}

async function resident(pid: number): Promise<number> {
  const ps = Bun.spawn(['ps', '-o', 'rss=', '-p', String(pid)], { stdout: 'pipe' });
  return (Number(await new Response(ps.stdout).text()) * 1024) / MIB;
}

/** Slope of a line through the points by least squares. */
function slope(xs: readonly number[], ys: readonly number[]): number {
  const mean = (all: readonly number[]) => all.reduce((a, b) => a + b, 0) / all.length;
  const [mx, my] = [mean(xs), mean(ys)];
  const xx = xs.reduce((sum, x) => sum + (x - mx) ** 2, 0);
  return xx === 0 ? 0 : xs.reduce((sum, x, i) => sum + (x - mx) * (ys[i]! - my), 0) / xx;
}

const system = await TestSystem.start();
try {
  mkdirSync(join(system.dataDir, 'import'));
  for (const { name, path } of captures) copyFileSync(path!, join(system.dataDir, 'import', name));
  const engines = await system.engines();
  const base = `http://127.0.0.1:${engines.find((e) => e.name === 'marketdata')!.port}`;
  const json = async <T>(path: string, init?: RequestInit) =>
    (await (await fetch(base + path, init)).json()) as T;
  const start = (capture: string) =>
    json<Round>('/replay', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ mode: 'paced', capture, speed }),
    });
  const samples: Sample[] = [];
  const told = new Map<string, string>();
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  let rounds = 0;
  let different = 0;
  let lagMs = 0;
  for (let i = 0; elapsed() < minutes * 60; i++) {
    const { name } = captures[i % captures.length]!;
    let round = await start(name);
    while (['seeking', 'running'].includes(round.state) && elapsed() < minutes * 60) {
      await Bun.sleep(SAMPLE_MS);
      const mib = new Map<string, number>();
      for (const engine of engines) mib.set(engine.name, await resident(engine.pid));
      samples.push({ s: elapsed(), mib });
      round = await json<Round>(round.progress_url);
      const own = mib.get('marketdata')!.toFixed(0);
      console.log(
        `${elapsed().toFixed(0)} s  ${name}  marketdata ${own} MiB  at most ${round.max_lag_ms.toFixed(0)} ms behind`,
      );
    }
    lagMs = Math.max(lagMs, round.max_lag_ms);
    if (round.state !== 'done') {
      await json(round.progress_url, { method: 'DELETE' });
      break;
    }
    rounds++;
    const counts = JSON.stringify([round.published, round.records]);
    if (told.has(name) && told.get(name) !== counts) different++;
    told.set(name, counts);
  }
  // The first half of the time fills caches and heaps; what grows after it grows for good.
  const settled = samples.filter(({ s }) => s >= elapsed() / 2);
  console.log(
    `\n${rounds} whole replays at ${speed}x in ${(elapsed() / 60).toFixed(1)} min; at most ${lagMs.toFixed(0)} ms behind`,
  );
  console.log(`rounds that told other counts than the first of their capture: ${different}`);
  for (const { name } of engines) {
    const mib = (all: readonly Sample[]) => all.map((sample) => sample.mib.get(name)!);
    const perHour = slope(
      settled.map(({ s }) => s / 3600),
      mib(settled),
    );
    const most = Math.max(...mib(samples));
    console.log(
      `${name}: at most ${most.toFixed(0)} MiB, slope of the second half ${perHour.toFixed(1)} MiB/h`,
    );
  }
  for (const { name } of captures) console.log(`${name}: ${told.get(name) ?? 'not one whole replay'}`);
  if (different > 0) process.exitCode = 1;
} finally {
  await system.stop();
}
