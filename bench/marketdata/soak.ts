// Soak: real captures replayed in a loop through the running system, with one client that reads everything and one that reads nothing; memory
// sampled, records counted; it ends with one table. A slope that stays above 0 means that something is kept for every record or every replay. Not part of the table of benches.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readRunFile } from '../../src/cli/run-file.ts';
import { sharedData } from '../../test/shared-data.ts';
import { type ListedEngine, TestSystem } from '../../test/support/system.ts';
import { type ConnectionCounts, Reader, Sleeper } from './soak-readers.ts';
import { type Progress, type Sample, soakTable } from './soak-report.ts';

const FILES = ['binance-spot-btcusdt-20240808.gz', 'binance-usdm-btcusdt-20240808.gz'];
const SAMPLE_MS = 5000;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, speed: { type: 'string', default: '20' } },
});
const minutes = Number(values.minutes);
const speed = values.speed === 'max' ? 'max' : Number(values.speed);
if (!(minutes > 0) || Number.isNaN(speed)) throw new Error('Expected numbers for --minutes and --speed');
const captures = FILES.map((name) => ({ name, path: sharedData(`captures/${name}`) }));
if (captures.some(({ path }) => path === null))
  throw new Error('Expected ../shared/data/captures beside the checkout');

interface Round {
  readonly state: string;
  readonly published: Readonly<Record<string, number>>;
  readonly records: Readonly<Record<string, number>>;
  readonly max_lag_ms: number;
  readonly progress_url: string;
}

/** Records that readers can count: a snapshot is told as a state of its book. */
function countable({ book_snapshot: _, ...counts }: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}

/** What was done with a replay that runs or has ended. */
function withRound(done: Replayed, { published, max_lag_ms }: Round): Replayed {
  const all = done.published + countable(published);
  return { ...done, published: all, lagMs: Math.max(done.lagMs, max_lag_ms) };
}

async function residentMib(pids: ReadonlyMap<string, number>): Promise<Map<string, number>> {
  const ps = Bun.spawn(['ps', '-o', 'pid=,rss=', '-p', [...pids.values()].join(',')], { stdout: 'pipe' });
  const lines = (await new Response(ps.stdout).text()).trim().split('\n');
  const kib = new Map(lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]));
  return new Map([...pids].map(([name, pid]) => [name, kib.get(pid)! / 1024]));
}

type Replayed = Pick<Progress, 'replays' | 'different' | 'published' | 'lagMs'>;

/** Runs replays one after the other until the time is over. Returns what they published, and whether all said the same. */
async function replayAll(
  base: string,
  onSample: (capture: string, so: Replayed) => Promise<void>,
  elapsed: () => number,
) {
  const json = async <T>(path: string, init?: RequestInit) =>
    (await (await fetch(base + path, init)).json()) as T;
  const told = new Map<string, string>();
  let done: Replayed = { replays: 0, different: 0, published: 0, lagMs: 0 };
  for (let i = 0; ; i++) {
    const { name } = captures[i % captures.length]!;
    let round = await json<Round>('/replay', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ mode: 'paced', capture: name, speed }),
    });
    while (['seeking', 'running'].includes(round.state)) {
      await Bun.sleep(SAMPLE_MS);
      round = await json<Round>(round.progress_url);
      await onSample(name, withRound(done, round));
      if (elapsed() >= minutes * 60) break;
    }
    if (round.state !== 'done') round = await json<Round>(round.progress_url, { method: 'DELETE' });
    done = withRound(done, round);
    if (round.state !== 'done') return { ...done, told };
    const counts = JSON.stringify([round.published, round.records]);
    const first = told.get(name) ?? counts;
    told.set(name, first);
    done = { ...done, replays: done.replays + 1, different: done.different + Number(counts !== first) };
    if (elapsed() >= minutes * 60) return { ...done, told };
  }
}

/** Messages that engines lost, by engine and place. */
async function lossesOf(engines: readonly ListedEngine[]): Promise<{ place: string; n: number }[]> {
  const losses = engines.map(async ({ name, port }) => {
    const status = await (await fetch(`http://127.0.0.1:${port}/system/status`)).json();
    const { published: _, received: __, ...lost } = status.bus as Record<string, number>;
    return Object.entries(lost).map(([place, n]) => ({ place: `${name} ${place}`, n }));
  });
  return (await Promise.all(losses)).flat().filter(({ n }) => n > 0);
}

const system = await TestSystem.start();
try {
  mkdirSync(join(system.dataDir, 'import'));
  for (const { name, path } of captures) copyFileSync(path!, join(system.dataDir, 'import', name));
  const engines = await system.engines();
  const urlOf = (name: string) => `http://127.0.0.1:${engines.find((e) => e.name === name)!.port}`;
  const pids = new Map([
    ['supervisor', readRunFile(system.dataDir)!.pid],
    ...engines.map(({ name, pid }) => [name, pid] as const),
  ]);
  const reader = await Reader.open(urlOf('websocket'));
  const sleeper = new Sleeper(urlOf('websocket'));
  const samples: Sample[] = [];
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  const done = await replayAll(
    urlOf('marketdata'),
    async (capture, so) => {
      const mib = await residentMib(pids);
      const { records: read, lost } = reader.counts;
      samples.push({ s: elapsed(), mib, progress: { ...so, read, lost } });
      const all = [...mib].map(([name, value]) => `${name} ${value.toFixed(0)}`).join(' ');
      console.log(
        `${elapsed().toFixed(0)} s  ${capture}  at most ${so.lagMs.toFixed(0)} ms behind  MiB: ${all}`,
      );
    },
    elapsed,
  );
  // What is on its way arrives.
  await Bun.sleep(SAMPLE_MS);
  const { connections } = (await (await fetch(`${urlOf('websocket')}/connections`)).json()) as {
    connections: ConnectionCounts[];
  };
  const slow = connections.find(({ connection_id }) => connection_id !== reader.id);
  const losses = await lossesOf(engines);
  reader.close();
  sleeper.close();
  const { records: read, lost } = reader.counts;
  console.log(`\n${speed}x, ${(elapsed() / 60).toFixed(1)} min`);
  for (const { name } of captures) console.log(`${name}: ${done.told.get(name) ?? 'not one whole replay'}`);
  console.log(`the client that reads nothing: ${slow ? JSON.stringify(slow) : 'was closed'}`);
  for (const { place, n } of losses) console.log(`lost on the bus: ${place} ${n}`);
  const lostOnBus = losses.reduce((sum, { n }) => sum + n, 0);
  console.log(`\n${soakTable(samples, { ...done, read, lost }, lostOnBus)}`);
  const isWhole = lost > 0 || read === done.published;
  if (done.different > 0 || !slow || !isWhole) process.exitCode = 1;
} finally {
  await system.stop();
}
