// Sends a file to the Market Data engine, and says in words what became of it.
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { FileImportInput, ImportReport } from '../../../engines/marketdata/files/schemas.ts';
import { NautilusError, NotFoundError } from '../../core/errors.ts';
import type { JobAccepted, JobReply } from '../../jobs/record.ts';
import { followed, request } from '../http-client.ts';

const UPLOAD_TIMEOUT_MS = 600_000;
const POLL_MS = 100;

/** Throws NotFoundError when there is no file at a path. */
export function checkFile(path: string): void {
  if (!isFile(path)) throw new NotFoundError(`No file ${path}`);
}

/** Returns whether there is a file at a path. */
export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** Has the engine at `base` import the file at `path`, as a job. Throws NotFoundError when there is none, NautilusError with the engine's problem. */
export async function sendFile(
  base: string,
  path: string,
  input: Partial<FileImportInput>,
): Promise<ImportReport> {
  checkFile(path);
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
    const job = await followed<JobReply>(() => `${base}/jobs/${job_id}`);
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
    // By how much the clocks disagree, where they do.
    const way = s.flags['clock_offset']
      ? `, received ${(s.shortest_way_us! / 1e6).toFixed(3)} s after the time of the venue at least`
      : '';
    lines.push(`  ${s.symbol}: ${s.imported} ${of}${span}${way}`);
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
