// `nautilus import`: a file into the market history, through the running system or, without one, by this process.
import { basename } from 'node:path';
import { importFile } from '../../../engines/marketdata/files/import-file.ts';
import {
  type FileImportInput,
  fileImportInput,
  type ImportReport,
} from '../../../engines/marketdata/files/schemas.ts';
import { History } from '../../../engines/marketdata/history/history.ts';
import { loadConfig } from '../../core/config.ts';
import { InvalidOptionError, NautilusError, NotFoundError } from '../../core/errors.ts';
import { fieldErrors } from '../../core/field-errors.ts';
import type { JobAccepted, JobReply } from '../../jobs/record.ts';
import { engineUrl, request } from '../http-client.ts';
import { isAlive, readRunFile } from '../run-file.ts';
import { isFile } from './import-bars.ts';

export interface ImportOptions {
  readonly format?: string;
  readonly kind?: string;
  readonly symbol?: string;
  readonly source?: string;
  readonly intervalUs?: string;
  readonly timeZone?: string;
  readonly priceDecimals?: string;
  readonly calendar?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const UPLOAD_TIMEOUT_MS = 600_000;
const POLL_MS = 200;

/** Imports a file and prints what came of it. Throws NautilusError when it cannot be read, or not be stored. */
export async function importCommand(path: string, options: ImportOptions): Promise<number> {
  const input = inputOf(options);
  if (!isFile(path)) throw new NotFoundError(`No file ${path}`);
  const report = await reportOf(path, input);
  console.log(options.json ? JSON.stringify(report) : importSummary(report));
  return 0;
}

function inputOf(options: ImportOptions): FileImportInput {
  const { format, kind, symbol, source, calendar } = options;
  const given = {
    format,
    kind,
    symbol,
    source,
    calendar,
    interval_us: options.intervalUs,
    time_zone: options.timeZone,
    price_decimals: options.priceDecimals,
    dry_run: options.dryRun ?? false,
  };
  const parsed = fileImportInput.safeParse(given);
  if (parsed.success) return parsed.data;
  const errors = fieldErrors(parsed.error.issues, '', given);
  const words = errors.map(
    ({ pointer, expected }) => `Expected ${expected} for --${pointer.slice(1).replaceAll('_', '-')}`,
  );
  throw new InvalidOptionError(words.join('; '), errors);
}

// A running engine owns the history; what stores nothing needs none.
async function reportOf(path: string, input: FileImportInput): Promise<ImportReport> {
  const config = loadConfig();
  const { dry_run, path: _, name: __, ...spec } = input;
  const maxBytes = config.maxImportBytes;
  if (dry_run) return importFile(path, spec, { history: null, maxBytes });
  const engine = readRunFile(config.dataDir)?.engines.find((e) => e.name === 'marketdata');
  if (engine?.port && engine.pid !== null && isAlive(engine.pid))
    return throughEngine(engineUrl(config, engine.port), path, input);
  const { dataDir, threads } = config;
  const { memoryMb, tempMb } = config.history;
  const history = await History.open({ dataDir, threads, memoryMb, tempMb });
  try {
    return await importFile(path, spec, { history, maxBytes });
  } finally {
    await history.close();
  }
}

async function throughEngine(base: string, path: string, input: FileImportInput): Promise<ImportReport> {
  const query = new URLSearchParams({ wait: 'false', name: basename(path).slice(0, 200) });
  for (const [name, value] of Object.entries(input)) {
    if (value !== undefined) query.set(name, String(value));
  }
  const init = {
    method: 'POST',
    body: Bun.file(path),
    headers: { 'content-type': 'application/octet-stream' },
  };
  const { job_id } = await request<JobAccepted>(`${base}/import?${query}`, init, UPLOAD_TIMEOUT_MS);
  for (;;) {
    const job = await request<JobReply>(`${base}/jobs/${job_id}`);
    if (job.state === 'completed') return request<ImportReport>(`${base}/jobs/${job_id}/result`);
    if (job.finished_ts_us !== null) {
      const { type, detail } = job.error ?? {
        type: '/problems/conflict',
        detail: 'The import was cancelled',
      };
      throw new NautilusError(type.split('/').at(-1)!, 400, 'Import failed', detail);
    }
    await Bun.sleep(POLL_MS);
  }
}

/** Returns what was taken and what was refused, in words. */
export function importSummary(report: ImportReport): string {
  const { records, imported, replaced, rejected, series } = report;
  const what = series.length > 0 && series.every((s) => s.kind === 'bar') ? 'bars' : 'records';
  const done = report.dry_run ? 'would be imported' : 'imported';
  const lines = [
    `${report.file}: ${imported} of ${records} ${what} ${done} (${replaced} replaced older ones)`,
  ];
  if (report.already_stored > 0) lines.push(`${report.already_stored} of them were stored already`);
  for (const s of series) {
    const of = s.interval_us === null ? `${s.kind} records` : `bars of ${s.interval_us / 1e6} s`;
    const span = s.first_ts_us === null ? '' : `, ${timeText(s.first_ts_us)} to ${timeText(s.last_ts_us!)}`;
    lines.push(`  ${s.symbol}: ${s.imported} ${of}${span}`);
  }
  const flags = Object.entries(report.quality).filter(([, count]) => count > 0);
  if (flags.length > 0) lines.push(`flags: ${flags.map(([name, count]) => `${name} ${count}`).join(', ')}`);
  for (const book of report.books.states)
    lines.push(`book of ${book.symbol}: ${book.state}, ${book.snapshots} snapshots, ${book.resyncs} resyncs`);
  if (report.truncated) lines.push('the file ends too early: what came before the damage was read');
  if (rejected > 0) {
    lines.push(`${rejected} rows rejected:`);
    for (const [reason, count] of Object.entries(report.reasons)) lines.push(`  ${count} x ${reason}`);
    for (const e of report.errors.slice(0, 10)) lines.push(`  line ${e.line}: ${e.reason}`);
    if (rejected > 10) lines.push('  (the first 10; --json lists the first 100)');
  }
  return lines.join('\n');
}

function timeText(us: number): string {
  return new Date(us / 1000).toISOString();
}
