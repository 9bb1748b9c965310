// The results of the speed-up tables: their shape in bench/results.json, and the Markdown that is made from them.
import { formatNs } from '../pairs.ts';

/** One rival in one measurement. Ratios are time of the rival over ours: above 1 means that ours is faster. */
export interface RivalResult {
  readonly name: string;
  readonly ms: number;
  readonly ratio: number;
  readonly ratio_q1: number;
  readonly ratio_q3: number;
}

/** One workload, measured: medians in milliseconds, ratios as medians of interleaved rounds with their quartiles. */
export interface Measurement {
  /** What is done, with sizes, element type, steps and seed. */
  readonly workload: string;
  /** What "before" is: plain TypeScript, or the monolith; null where there is none. */
  readonly before: string | null;
  readonly before_ms: number | null;
  readonly now_ms: number;
  /** `before / now`. */
  readonly ratio: number | null;
  readonly ratio_q1: number | null;
  readonly ratio_q3: number | null;
  readonly rounds: number;
  readonly rivals: readonly RivalResult[];
}

/** What a published table says of one operation, word for word. */
export interface Published {
  readonly table: string;
  readonly operation: string;
  readonly before: string;
  readonly after: string;
}

interface RowHead {
  readonly id: string;
  readonly published: Published;
  readonly published_ratio: number;
}

/** A row with our figures. `beside` holds more workloads of the same kind. */
export type MeasuredRow = RowHead &
  Measurement & {
    readonly status: 'measured';
    /** What `before` and `now` are, and what else a reader has to know. */
    readonly note: string;
    readonly beside: readonly Measurement[];
  };

/** A row that this version has nothing real for; every figure is null. */
export type PendingRow = RowHead & {
  readonly status: 'pending';
  readonly workload: string;
  readonly before_ms: null;
  readonly now_ms: null;
  readonly ratio: null;
  readonly rivals: readonly [];
  /** Why there is nothing to measure. */
  readonly note: string;
};

export type Row = MeasuredRow | PendingRow;

/** Where and with what the rows were taken. */
export interface Machine {
  readonly cpu: string;
  readonly threads: number;
  readonly memory_gib: number;
  readonly os: string;
  /** One-minute load average when the first row began. */
  readonly load_begin: number;
  /** The same after the last row: what the bench itself makes of it. */
  readonly load_end: number;
}

/** The file bench/results.json. */
export interface Results {
  readonly machine: Machine;
  readonly date: string;
  /** By name; a rival that was absent is null. */
  readonly versions: Readonly<Record<string, string | null>>;
  readonly rows: readonly Row[];
}

/** Returns a number with three significant digits at least: `0.012`, `1.23`, `45.6`, `1,234`. */
export function significant(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  if (value === 0 || !Number.isFinite(value)) return String(value);
  return value.toFixed(Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
}

const ms = (value: number | null) => (value === null ? '' : formatNs(value * 1e6));
const times = (value: number | null) => (value === null ? '' : `${significant(value)}x`);

function ratio(value: { ratio: number | null; ratio_q1: number | null; ratio_q3: number | null }): string {
  if (value.ratio === null) return '';
  return `${times(value.ratio)} (${significant(value.ratio_q1!)} .. ${significant(value.ratio_q3!)})`;
}

const rivalText = (rival: RivalResult) => `${rival.name}: ${ms(rival.ms)}, ${ratio(rival)}`;

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(columns), `|${' --- |'.repeat(columns.length)}`, ...rows.map(line)];
}

/** Returns the rows as one Markdown table: what is printed, and what README shows. */
export function summary(results: Results): string {
  const rows = results.rows.map((row) => [
    row.published.operation,
    `${row.published.before} to ${row.published.after}, ${row.published_ratio}x`,
    ...(row.status === 'pending'
      ? ['', '', `pending: ${row.note}`, '']
      : [ms(row.before_ms), ms(row.now_ms), ratio(row), row.rivals.map(rivalText).join('; ')]),
  ]);
  return table(
    ['operation', 'published claim', 'before', 'now', 'before / now', 'rivals, and rival / now'],
    rows,
  ).join('\n');
}

function measurementLines(one: Measurement): string[] {
  const rows = [
    ...(one.before === null ? [] : [[`before: ${one.before}`, ms(one.before_ms), ratio(one)]]),
    ...one.rivals.map((rival) => [rival.name, ms(rival.ms), ratio(rival)]),
  ];
  return [
    `${one.workload}. **Now ${ms(one.now_ms)}** (${one.rounds} rounds).`,
    '',
    ...(rows.length > 0 ? [...table(['against', 'takes', 'its time / ours'], rows), ''] : []),
  ];
}

/** Returns the machine and versions of results as one sentence each. */
export function provenance({ machine, date, versions }: Results): string {
  const known = Object.entries(versions).map(([name, version]) => `${name} ${version ?? 'absent'}`);
  const load = `${machine.load_begin.toFixed(2)} to ${machine.load_end.toFixed(2)}`;
  return `${date.slice(0, 10)}, ${machine.cpu}, ${machine.threads} threads, ${machine.memory_gib} GiB, ${machine.os}, load average ${load}. ${known.join(', ')}.`;
}

/** Returns bench/RESULTS.md. */
export function resultsMarkdown(results: Results): string {
  const parts = results.rows.flatMap((row) => {
    const { published, published_ratio } = row;
    const claim = `Published: ${published.before} to ${published.after}, ${published_ratio}x (${published.table}).`;
    const head = [`## ${published.operation}`, '', claim, ''];
    if (row.status === 'pending') return [...head, `Pending: ${row.note}`, ''];
    return [...head, ...measurementLines(row), row.note, '', ...row.beside.flatMap(measurementLines)];
  });
  return [
    '# The published speed-ups, measured again',
    '',
    provenance(results),
    '',
    'Written by `make bench` from [results.json](results.json); do not edit. All sides of a row take turns in one run. Ratios',
    'are medians of the rounds, quartiles in parentheses; times are medians and hold for this machine and moment. Above 1 means that ours is',
    'faster. The claims were made for other hardware and name no sizes, so that only our own figures of a row compare.',
    '',
    '![Ratios beside the published claims](RESULTS.svg)',
    '',
    summary(results),
    '',
    ...parts,
  ].join('\n');
}

/** Returns README with the part between its two bench marks replaced. Throws when the marks are missing. */
export function withSummary(readme: string, text: string): string {
  const [begin, end] = ['<!-- speedups:start -->', '<!-- speedups:end -->'];
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from < 0 || to < from) throw new Error(`Expected ${begin} and ${end} in the README`);
  return `${readme.slice(0, from + begin.length)}\n${text}\n${readme.slice(to)}`;
}
