// How the export of telemetry fares: counted for the metrics, logged when it changes, never with an address's secrets.
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { Log } from '../core/log.ts';

type Signal = 'traces' | 'metrics';

/** The health of the export of one signal. */
export class ExportHealth {
  readonly #signal: Signal;
  readonly #origin: string;
  readonly #log: Log;
  #failing = false;
  /** Exports that were taken, and those that were given up after their retries. */
  readonly exports = { ok: 0, failed: 0 };

  /** `origin` is what may be logged of the address. */
  constructor(signal: Signal, origin: string, log: Log) {
    this.#signal = signal;
    this.#origin = origin;
    this.#log = log;
  }

  /** Whether the last export failed. */
  get failing(): boolean {
    return this.#failing;
  }

  /** Notes the end of one export. */
  note({ code, error }: ExportResult): void {
    const failed = code !== ExportResultCode.SUCCESS;
    this.exports[failed ? 'failed' : 'ok']++;
    if (failed === this.#failing) return;
    this.#failing = failed;
    const about = { signal: this.#signal, endpoint: this.#origin };
    if (failed) this.#log.warn({ ...about, reason: reasonOf(error) }, 'telemetry cannot be exported');
    else this.#log.info(about, 'telemetry is exported again');
  }
}

// Texts of errors may quote what the other side said; a code cannot.
function reasonOf(error: Error | undefined): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  if (typeof code === 'number') return `status ${code}`;
  if (typeof code === 'string' && /^[A-Za-z_]{1,60}$/.test(code)) return code;
  return error?.message === 'Request timed out' ? 'no answer in time' : 'not accepted, also after retries';
}
