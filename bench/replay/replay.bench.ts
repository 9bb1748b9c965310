// Hot path: the main job, `nautilus replay`: every bar through nine engines in lockstep. Bars a second over the hub (ten
// processes) and in one process, and with a barrier for each bar. A regression means more work for each message: a
// check, a copy, a query, a decimal.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { sharedData } from '../../test/shared-data.ts';
import { loadNow } from '../machine.ts';
import { quantile } from '../pairs.ts';
import { grouped, isQuick, publish, range } from '../report.ts';

const REAL = 'btc-perp-1min-ohlcv-2022-01.csv.gz';
const BARS = 45_031;
const SHORT_BARS = 5000;
const RUNS = isQuick ? 1 : 5;
const root = resolve(import.meta.dir, '../..');

interface Reply {
  readonly events: number;
  readonly fills: number;
  readonly elapsed_s: number;
  readonly bars_per_s: number;
  readonly result_hash: string;
}

interface Case {
  readonly name: string;
  readonly file: string;
  readonly flags: readonly string[];
  readonly runs: number;
  /** Bars a second that this case shall reach, where a figure was set. */
  readonly reach?: number;
}

/** Returns a CSV of `bars` one-minute bars whose close follows a seeded walk around 40,000. */
function walkCsv(bars: number): string {
  const lines = ['timestamp,open,high,low,close,volume'];
  let close = 40_000;
  let state = 12_345;
  for (let i = 0; i < bars; i++) {
    const open = close;
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    close = Math.max(1000, Math.round(open * (1 + (state / 2 ** 32 - 0.5) * 0.004)));
    const time = new Date(1_640_991_660_000 + i * 60_000).toISOString();
    lines.push(`${time},${open},${Math.max(open, close) + 5},${Math.min(open, close) - 5},${close},1000`);
  }
  return `${lines.join('\n')}\n`;
}

async function replay(file: string, flags: readonly string[]): Promise<Reply> {
  const command = ['src/cli/nautilus.ts', 'replay', file, '--symbol', 'BTC-PERP', ...flags, '--json'];
  const child = Bun.spawn([process.execPath, ...command], {
    cwd: root,
    env: { ...process.env, LOG_LEVEL: 'error' },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const [text, code] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  if (code !== 0) throw new Error(`nautilus replay ${flags.join(' ')} ended with ${code}`);
  return JSON.parse(text) as Reply;
}

const folder = mkdtempSync(join(tmpdir(), 'nautilus-bench-'));
try {
  const real = sharedData(REAL);
  const walk = join(folder, 'walk.csv');
  if (!real) writeFileSync(walk, walkCsv(BARS));
  const whole = real && existsSync(real) ? real : walk;
  const short = join(folder, 'short.csv');
  const text = real
    ? new TextDecoder().decode(Bun.gunzipSync(await Bun.file(real).bytes()))
    : await Bun.file(walk).text();
  writeFileSync(
    short,
    text
      .split('\n')
      .slice(0, SHORT_BARS + 1)
      .join('\n'),
  );

  const cases: readonly Case[] = [
    { name: 'hub, ten processes', file: whole, flags: ['--isolated'], runs: RUNS, reach: 2000 },
    { name: 'in one process', file: whole, flags: ['--in-process'], runs: RUNS, reach: 10_000 },
    { name: 'hub, a barrier each bar', file: short, flags: ['--isolated', '--barrier', '1'], runs: 1 },
    {
      name: 'in one process, a barrier each bar',
      file: short,
      flags: ['--in-process', '--barrier', '1'],
      runs: 1,
    },
    { name: 'in one process, the same short file', file: short, flags: ['--in-process'], runs: 1 },
  ];
  const replies = new Map<Case, Reply[]>(cases.map((one) => [one, []]));
  // Rounds over the cases, so that a slow minute of the machine hits all of them.
  for (let round = 0; round < RUNS; round++) {
    for (const one of cases) {
      if (round < one.runs) replies.get(one)!.push(await replay(one.file, one.flags));
    }
  }
  for (const file of [whole, short]) {
    const hashes = cases
      .filter((c) => c.file === file)
      .flatMap((c) => replies.get(c)!.map((r) => r.result_hash));
    if (new Set(hashes).size !== 1) throw new Error(`Expected one result hash, were ${hashes.join(', ')}`);
  }
  publish({
    title: 'Replay in lockstep',
    note: `${real ? `BTC-PERP, January 2022, ${grouped(BARS)} one-minute bars` : `No shared data here: a seeded walk of ${grouped(BARS)} bars, whose figures do not compare with those of the real file`}; strategy ma-cross, fresh data folder. All runs of a file gave one result hash. Slower means more work for each message.`,
    columns: ['case', 'bars', 'bars/s', 'range', 'runs', 'reach', 'hash', 'load average'],
    rows: cases.map((one) => {
      const all = replies.get(one)!;
      const rates = all.map((r) => r.events / r.elapsed_s);
      const median = quantile(rates, 0.5);
      const reach = one.reach ? `${grouped(one.reach)}: ${median >= one.reach ? 'held' : 'missed'}` : '';
      const { events, result_hash } = all[0]!;
      const hash = result_hash.slice(0, 12);
      return [
        one.name,
        grouped(events),
        grouped(median),
        range(rates, 0),
        String(all.length),
        reach,
        hash,
        loadNow(),
      ];
    }),
    data: cases.map((one) => ({ name: one.name, replies: replies.get(one) })),
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
