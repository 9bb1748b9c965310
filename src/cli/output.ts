// What commands print: tables, durations, sizes; lines of logs in a form for people.

/** Returns rows as aligned columns; the first row is the header. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, k) => Math.max(...rows.map((row) => row[k]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, k) => cell.padEnd(widths[k]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Returns seconds as `1.2 s`, `3 min 4 s` or `2 h 5 min`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** Returns bytes as mebibytes. */
export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}

/** Writes log lines: readable when standard output is a terminal, as they are otherwise. */
export async function lineWriter(): Promise<(line: string) => void> {
  if (!process.stdout.isTTY) return (line) => void process.stdout.write(`${line}\n`);
  const { prettyFactory } = await import('pino-pretty');
  const pretty = prettyFactory({
    colorize: true,
    singleLine: true,
    ignore: 'pid,name,engine',
    messageFormat: '{engine}: {msg}',
    translateTime: 'SYS:HH:MM:ss.l',
  });
  return (line) => void process.stdout.write(pretty(line));
}
