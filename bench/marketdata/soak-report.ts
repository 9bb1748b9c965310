// What the samples of a soak say: memory at some minutes, and whether it still grows.

/** Resident MiB of each process at one moment. */
export interface Sample {
  readonly s: number;
  readonly mib: ReadonlyMap<string, number>;
}

const AT_MINUTES = [1, 5, 10, 20, 30, 60];
const MINUTE_S = 60;

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

/** Returns a Markdown table: resident memory of each process, at most and at some minutes, and the slope of the second half. */
export function memoryTable(samples: readonly Sample[]): string {
  const end = samples.at(-1)!.s;
  const at = AT_MINUTES.filter((minute) => minute * MINUTE_S <= end);
  const lines = [
    `| process | ${at.map((minute) => `minute ${minute}`).join(' | ')} | at most | slope of the second half, MiB/h |`,
    `|---|${'---:|'.repeat(at.length + 2)}`,
  ];
  for (const name of samples[0]!.mib.keys()) {
    const minutes = minutesOf(samples, name);
    const cells = at.map((minute) => minutes.find((m) => m.minute === minute - 1)?.mib.toFixed(0) ?? '-');
    const most = Math.max(...samples.map(({ mib }) => mib.get(name)!));
    // The first half of the time fills caches and heaps; what grows after it grows for good.
    const settled = minutes.filter(({ minute }) => (minute + 1) * MINUTE_S > end / 2);
    const { slope, error } = slopeOf(
      settled.map(({ minute }) => minute / 60),
      settled.map(({ mib }) => mib),
    );
    lines.push(
      `| ${name} | ${cells.join(' | ')} | ${most.toFixed(0)} | ${slope.toFixed(1)} ± ${error.toFixed(1)} |`,
    );
  }
  return lines.join('\n');
}
