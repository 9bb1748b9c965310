// What a soak says at its end, as one table: memory at some minutes and whether it still grows, what was replayed, read and lost by then.

/** What had been done at one moment, since the begin. */
export interface Progress {
  /** Whole replays, and those of them that told other counts than the first of their capture. */
  readonly replays: number;
  readonly different: number;
  /** Records, snapshots of books not counted. */
  readonly published: number;
  readonly read: number;
  /** Messages that the client which reads was told to have lost. */
  readonly lost: number;
  readonly lagMs: number;
}

/** Resident MiB of each process at one moment. */
export interface Sample {
  readonly s: number;
  readonly mib: ReadonlyMap<string, number>;
  readonly progress: Progress;
}

const MINUTE_S = 60;
const EVERY_MINUTES = 5;

const PROGRESS: readonly (readonly [keyof Progress, string])[] = [
  ['replays', 'whole replays'],
  ['different', 'of them with other counts than the first of their capture'],
  ['published', 'records published'],
  ['read', 'records read by the client that reads'],
  ['lost', 'messages lost by the client that reads'],
  ['lagMs', 'largest lag, ms'],
];

/**
 * Returns the slope of the line of least squares in units of `ys` per unit of `xs`, and its standard error; NaN where there are too few points.
 */
function slopeOf(xs: readonly number[], ys: readonly number[]): { slope: number; error: number } {
  const n = xs.length;
  const mean = (all: readonly number[]) => all.reduce((a, b) => a + b, 0) / n;
  const [mx, my] = [mean(xs), mean(ys)];
  const xx = xs.reduce((sum, x) => sum + (x - mx) ** 2, 0);
  const slope = xs.reduce((sum, x, i) => sum + (x - mx) * (ys[i]! - my), 0) / xx;
  const left = xs.reduce((sum, x, i) => sum + (ys[i]! - my - slope * (x - mx)) ** 2, 0);
  return { slope, error: n < 3 ? Number.NaN : Math.sqrt(left / (n - 2) / xx) };
}

/** Means of whole minutes: within one, garbage comes and goes, and neighbouring samples say the same. */
function minutesOf(samples: readonly Sample[], name: string): { minute: number; mib: number }[] {
  const byMinute = Map.groupBy(samples, ({ s }) => Math.floor(s / MINUTE_S));
  return [...byMinute].map(([minute, of]) => ({
    minute,
    mib: of.reduce((sum, { mib }) => sum + mib.get(name)!, 0) / of.length,
  }));
}

/**
 * Returns a Markdown table. Rows of processes: resident MiB as the mean of the first and each fifth minute, at most, and the slope of the second half;
 * of what was done: how far it was at the end of those minutes, and at the end of all, which `end` has.
 */
export function soakTable(samples: readonly Sample[], end: Progress, lostOnBus: number): string {
  const { s: lastS } = samples.at(-1)!;
  const fives = Array.from(
    { length: Math.floor(lastS / MINUTE_S / EVERY_MINUTES) },
    (_, i) => (i + 1) * EVERY_MINUTES,
  );
  const at = [...(lastS >= MINUTE_S ? [1] : []), ...fives];
  const lines = [
    `| | ${[...at.map((minute) => `minute ${minute}`), 'at most, or in all', 'slope of the second half, MiB/h'].join(' | ')} |`,
    `|---|${'---:|'.repeat(at.length + 2)}`,
  ];
  const row = (name: string, cells: readonly string[], all: string, slope = '') =>
    lines.push(`| ${[name, ...cells, all, slope].join(' | ')} |`);
  for (const name of samples[0]!.mib.keys()) {
    const minutes = minutesOf(samples, name);
    const cells = at.map((minute) => minutes.find((m) => m.minute === minute - 1)?.mib.toFixed(0) ?? '-');
    const most = Math.max(...samples.map(({ mib }) => mib.get(name)!));
    // The first half of the time fills caches and heaps; what grows after it grows for good.
    const settled = minutes.filter(({ minute }) => (minute + 1) * MINUTE_S > lastS / 2);
    const { slope, error } = slopeOf(
      settled.map(({ minute }) => minute / 60),
      settled.map(({ mib }) => mib),
    );
    row(
      `${name}, MiB`,
      cells,
      most.toFixed(0),
      Number.isNaN(error) ? '-' : `${slope.toFixed(1)} ± ${error.toFixed(1)}`,
    );
  }
  for (const [key, name] of PROGRESS) {
    const until = (minute: number) => samples.findLast(({ s }) => s <= minute * MINUTE_S)?.progress[key];
    row(
      name,
      at.map((minute) => count(until(minute))),
      count(end[key]),
    );
  }
  row(
    'messages lost on the bus',
    at.map(() => '-'),
    count(lostOnBus),
  );
  return lines.join('\n');
}

function count(n: number | undefined): string {
  return n === undefined ? '-' : Math.round(n).toLocaleString('en');
}
