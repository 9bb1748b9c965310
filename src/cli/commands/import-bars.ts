// Sends a file of bars to the Market Data engine, for commands that go on with them.
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { loadConfig } from '../../core/config.ts';
import { DependencyUnavailableError, NotFoundError } from '../../core/errors.ts';
import { engineUrl, request } from '../http-client.ts';
import { readRunFile } from '../run-file.ts';

/** What the Market Data engine says of an imported file. */
export interface ImportReply {
  readonly rows: number;
  readonly imported: number;
  readonly replaced: number;
  readonly rejected: number;
  readonly reasons: Readonly<Record<string, number>>;
  readonly errors: readonly { readonly line: number; readonly reason: string }[];
  readonly series: readonly {
    readonly symbol: string;
    readonly interval_us: number;
    readonly source: string;
    readonly bars: number;
    readonly first_ts_us: number;
    readonly last_ts_us: number;
  }[];
}

const IMPORT_TIMEOUT_MS = 600_000;

/** Returns the base URL of a running engine. Throws DependencyUnavailableError when it does not run. */
export function runningEngine(name: string): string {
  const config = loadConfig();
  const engine = readRunFile(config.dataDir)?.engines.find((e) => e.name === name);
  if (!engine?.port) {
    throw new DependencyUnavailableError(
      `The ${name} engine does not run on ${config.dataDir}: start it with \`bun run engines\``,
    );
  }
  return engineUrl(config, engine.port);
}

/** Returns whether there is a file at a path. */
export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Sends the file at `path`. Throws NotFoundError when there is none. */
export async function importFile(
  base: string,
  path: string,
  symbol: string | undefined,
): Promise<ImportReply> {
  if (!isFile(path)) throw new NotFoundError(`No file ${path}`);
  const query = symbol === undefined ? '' : `?symbol=${encodeURIComponent(symbol)}`;
  const init = {
    method: 'POST',
    body: Bun.file(path),
    headers: { 'content-type': 'application/octet-stream' },
  };
  return request<ImportReply>(`${base}/bars/import${query}`, init, IMPORT_TIMEOUT_MS);
}

/** Returns what was taken and what was refused, in words. */
export function importSummary(path: string, reply: ImportReply): string {
  const lines = [
    `${basename(path)}: ${reply.imported} of ${reply.rows} bars imported (${reply.replaced} replaced older ones)`,
  ];
  for (const s of reply.series) {
    const [from, to] = [s.first_ts_us, s.last_ts_us].map((us) => new Date(us / 1000).toISOString());
    lines.push(`  ${s.symbol}: ${s.bars} bars of ${s.interval_us / 1e6} s, ${from} to ${to}`);
  }
  if (reply.rejected > 0) {
    lines.push(`${reply.rejected} rows rejected:`);
    for (const [reason, count] of Object.entries(reply.reasons)) lines.push(`  ${count} x ${reason}`);
    for (const e of reply.errors.slice(0, 10)) lines.push(`  line ${e.line}: ${e.reason}`);
    if (reply.rejected > 10) lines.push('  (the first 10; --json lists the first 100)');
  }
  return lines.join('\n');
}
