// What imports of files say about themselves on /metrics.
import { Counter, Histogram, type Registry } from '../../../src/http/prom.ts';
import type { ImportReport } from './schemas.ts';

const SECONDS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000];

/** The instruments of imports. */
export class ImportMetrics {
  readonly #records: Counter<'format' | 'outcome'>;
  readonly #rejected: Counter<'reason'>;
  readonly #bytes: Counter<'format'>;
  readonly #seconds: Histogram<'outcome'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#records = new Counter({
      name: 'nautilus_market_import_records_total',
      help: 'Records of imported files by what became of them; dry runs are left out',
      labelNames: ['format', 'outcome'],
      registers,
    });
    this.#rejected = new Counter({
      name: 'nautilus_market_import_rejected_total',
      help: 'Rejected records of imported files by reason',
      labelNames: ['reason'],
      registers,
    });
    this.#bytes = new Counter({
      name: 'nautilus_market_import_bytes_total',
      help: 'Bytes of imported files as they came',
      labelNames: ['format'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'nautilus_market_import_seconds',
      help: 'Seconds of one import of a file, by whether it was stored, a dry run or failed',
      labelNames: ['outcome'],
      buckets: SECONDS,
      registers,
    });
  }

  /** Counts an import that came to its end. */
  ended({ format, dry_run, bytes, imported, rejected, reasons }: ImportReport, seconds: number): void {
    this.#seconds.observe({ outcome: dry_run ? 'dry_run' : 'stored' }, seconds);
    if (dry_run) return;
    this.#records.inc({ format, outcome: 'imported' }, imported);
    this.#records.inc({ format, outcome: 'rejected' }, rejected);
    for (const [reason, count] of Object.entries(reasons)) this.#rejected.inc({ reason }, count);
    this.#bytes.inc({ format }, bytes);
  }

  /** Counts one that was refused, cancelled or could not be stored. */
  failed(seconds: number): void {
    this.#seconds.observe({ outcome: 'failed' }, seconds);
  }
}
