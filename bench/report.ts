// What a bench says: sections of rows, printed as Markdown when run alone and gathered by index.ts when run by it.
import { appendFileSync } from 'node:fs';
import { formatNs, type PairResult } from './pairs.ts';

/** One table of results. */
export interface Section {
  readonly title: string;
  /** What was compared and what a regression would mean, in a sentence or two; printed above the table. */
  readonly note: string;
  readonly columns?: readonly string[];
  readonly rows?: readonly (readonly string[])[];
  /** Markdown in place of the table. */
  readonly text?: string;
  /** The same results as plain numbers, for programs: kept in the JSON file only. */
  readonly data?: unknown;
}

/** File that `publish` appends to, one JSON section a line; set by index.ts for the benches that it starts. */
export const OUTPUT_VARIABLE = 'NAUTILUS_BENCH_OUTPUT';

/** Columns of {@link pairRow}. */
export const PAIR_COLUMNS = ['case', 'rival', 'rival / ours', 'quartiles', 'ours', 'rival takes', 'note'];

/** Hands one section over: to index.ts when it started this process, else to standard output as Markdown. */
export function publish(section: Section): void {
  const file = process.env[OUTPUT_VARIABLE];
  if (file) appendFileSync(file, `${JSON.stringify(section)}\n`);
  else console.log(markdown(section));
}

/** Returns one row for a comparison; `rival` names side b. A ratio above 1 means that ours is faster. */
export function pairRow(result: PairResult, rival: string, note = ''): string[] {
  const { name, median, q1, q3, pairs } = result;
  const quartiles = `${q1.toFixed(2)} .. ${q3.toFixed(2)} of ${pairs}`;
  return [name, rival, `${median.toFixed(2)}x`, quartiles, formatNs(result.aNs), formatNs(result.bNs), note];
}

/** Returns a section as Markdown: a heading, the note, a table whose columns line up. */
export function markdown({ title, note, columns = [], rows = [], text }: Section): string {
  if (text !== undefined) return [`## ${title}`, '', ...(note === '' ? [] : [note, '']), text, ''].join('\n');
  const cells = [columns, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = columns.map((_, i) => Math.max(3, ...cells.map((row) => (row[i] ?? '').length)));
  const line = (row: readonly string[]) =>
    `| ${widths.map((w, i) => (row[i] ?? '').padEnd(w)).join(' | ')} |`;
  const rule = `| ${widths.map((w) => '-'.repeat(w)).join(' | ')} |`;
  return [`## ${title}`, '', note, '', line(cells[0]!), rule, ...cells.slice(1).map(line), ''].join('\n');
}

/** Returns a count with thin grouping: `45,031`. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Returns the smallest and the largest of some numbers as `1.20 .. 1.45`. */
export function range(values: readonly number[], digits = 2): string {
  return `${Math.min(...values).toFixed(digits)} .. ${Math.max(...values).toFixed(digits)}`;
}

/** Whether this run shall be short: fewer runs, the same measurement. */
export const isQuick = process.argv.includes('--quick');
