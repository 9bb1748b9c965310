// `POST /bars/import`: the import of a file that has bars alone in CSV, with a shorter reply.
import type { ImportQuery, ImportReply } from '../schemas.ts';
import type { FileImportInput, ImportReport } from './schemas.ts';

/** Returns the import that is asked for. */
export function barsInput({ symbol, interval_us }: ImportQuery): FileImportInput {
  return { symbol, interval_us, format: 'csv', kind: 'bar', dry_run: false };
}

/** Returns what a report says in short. */
export function barsReply(report: ImportReport): ImportReply {
  const { rows, imported, replaced, rejected, reasons, errors, processing_time_ms } = report;
  const series = report.series.flatMap(({ symbol, source, interval_us, imported: bars, ...times }) => {
    const { first_ts_us, last_ts_us } = times;
    if (bars === 0 || interval_us === null || first_ts_us === null || last_ts_us === null) return [];
    return [{ symbol, interval_us, source, bars, first_ts_us, last_ts_us }];
  });
  return { rows, imported, replaced, rejected, reasons, errors, series, processing_time_ms };
}
