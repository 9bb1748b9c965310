// The screen of `nautilus top`: figures to lines of text that fit a terminal. No I/O.
import { mebibytes } from './output.ts';
import type { Figures } from './top-figures.ts';

/** What a frame shows. */
export interface Frame {
  /** Above the table: what runs, since when, the time. */
  readonly title: string;
  readonly lines: readonly Figures[];
  readonly total: Figures;
}

/** The terminal in characters; `colour` marks what is wrong. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly colour: boolean;
}

interface Column {
  readonly head: string;
  /** Wide terminals show all; a narrow one leaves out the highest first. */
  readonly rank: number;
  readonly left?: boolean;
  cell(line: Figures): string;
}

const NONE = '-';
const decimal = (value: number | null, digits = 1) => (value === null ? NONE : value.toFixed(digits));
const rate = (value: number | null) => decimal(value, value !== null && value < 10 ? 1 : 0);

const COLUMNS: readonly Column[] = [
  { head: 'ENGINE', rank: 0, left: true, cell: (f) => f.name },
  { head: 'STATUS', rank: 0, left: true, cell: (f) => f.status },
  { head: 'PID', rank: 7, cell: (f) => String(f.pid ?? NONE) },
  { head: 'CPU %', rank: 1, cell: (f) => decimal(f.cpu_percent) },
  {
    head: 'MEMORY',
    rank: 2,
    cell: (f) => (f.memory_rss_bytes === null ? NONE : mebibytes(f.memory_rss_bytes)),
  },
  { head: 'REQ/S', rank: 5, cell: (f) => rate(f.requests_per_s) },
  { head: 'ERR/S', rank: 6, cell: (f) => rate(f.errors_per_s) },
  { head: 'IN/S', rank: 3, cell: (f) => rate(f.messages_in_per_s) },
  { head: 'OUT/S', rank: 4, cell: (f) => rate(f.messages_out_per_s) },
  { head: 'DROPS', rank: 3, cell: (f) => String(f.dropped ?? NONE) },
  { head: 'WAITING', rank: 5, cell: (f) => String(f.events_waiting ?? NONE) },
  { head: 'DEAD', rank: 3, cell: (f) => String(f.dead_letters ?? NONE) },
  { head: 'LOOP MS', rank: 8, cell: (f) => decimal(f.event_loop_delay_ms) },
  {
    head: 'HOP P99 MS',
    rank: 6,
    cell: (f) => decimal(f.hop_p99_us === null ? null : f.hop_p99_us / 1000, 2),
  },
];

/**
 * Returns the lines of one frame, none longer than the terminal is wide and no more than it is high. Columns that do not
 * fit are left out, the least important first; engines that do not fit give way to the total.
 */
export function render({ title, lines, total }: Frame, { columns, rows, colour }: Screen): string[] {
  const shown = fitting([...lines, total], columns);
  const widths = shown.map((column) => widthOf(column, [...lines, total]));
  const textOf = (cells: readonly string[]) =>
    cells
      .map((cell, k) => (shown[k]!.left ? cell.padEnd(widths[k]!) : cell.padStart(widths[k]!)))
      .join('  ')
      .trimEnd()
      .slice(0, columns);
  const row = (line: Figures) => textOf(shown.map((column) => column.cell(line)));
  const room = Math.max(0, rows - 4);
  return [
    title.slice(0, columns),
    textOf(shown.map((column) => column.head)),
    ...lines.slice(0, room).map((line) => paint(row(line), line, colour)),
    row(total),
    'q quits'.slice(0, columns),
  ].slice(0, Math.max(1, rows));
}

function widthOf({ head, cell }: Column, lines: readonly Figures[]): number {
  return Math.max(head.length, ...lines.map((line) => cell(line).length));
}

function fitting(lines: readonly Figures[], columns: number): readonly Column[] {
  let shown = COLUMNS;
  const wide = () => shown.reduce((sum, column) => sum + widthOf(column, lines) + 2, -2) > columns;
  for (let rank = Math.max(...COLUMNS.map((c) => c.rank)); rank > 0 && wide(); rank--) {
    shown = shown.filter((column) => column.rank < rank);
  }
  return shown;
}

// Red does not answer, yellow is degraded, has lost messages or has set events aside.
function paint(text: string, { status, dropped, dead_letters }: Figures, colour: boolean): string {
  if (!colour || (status === 'healthy' && !dropped && !dead_letters)) return text;
  return `\x1b[${status === 'healthy' || status === 'degraded' ? 33 : 31}m${text}\x1b[0m`;
}
