// The way of finished spans to their exporter: a bounded queue in front of the batches of the SDK, everything counted.
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace';
import type { ExportHealth } from './otel-health.ts';

const MAX_BATCH = 512;

/** Spans since the start, by what became of them. */
export interface SpanCounts {
  readonly exported: number;
  /** Their export was given up. */
  readonly failed: number;
  /** The queue was full. */
  readonly dropped: number;
}

/**
 * Hands finished spans to `exporter` in batches. At most `maxSpans` wait or are under way; what comes then is dropped and counted,
 * so that a collector that is away costs memory once and time never.
 */
export class SpanQueue implements SpanProcessor {
  readonly #exporter: SpanExporter;
  readonly #health: ExportHealth;
  readonly #maxSpans: number;
  readonly #batches: BatchSpanProcessor;
  readonly #counts = { exported: 0, failed: 0, dropped: 0 };
  #waiting = 0;

  constructor(exporter: SpanExporter, health: ExportHealth, maxSpans: number, delayMs: number) {
    this.#exporter = exporter;
    this.#health = health;
    this.#maxSpans = maxSpans;
    this.#batches = new BatchSpanProcessor({
      exporter: {
        export: (spans, done) => this.#export(spans, done),
        shutdown: () => exporter.shutdown(),
      },
      maxQueueSize: maxSpans,
      maxExportBatchSize: Math.min(MAX_BATCH, maxSpans),
      scheduledDelayMillis: delayMs,
    });
  }

  get counts(): SpanCounts {
    return this.#counts;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#waiting >= this.#maxSpans) this.#counts.dropped++;
    else {
      this.#waiting++;
      this.#batches.onEnd(span);
    }
  }

  forceFlush(): Promise<void> {
    return this.#batches.forceFlush();
  }

  /** Exports what is left and ends. */
  shutdown(): Promise<void> {
    return this.#batches.shutdown();
  }

  #export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#exporter.export(spans, (result) => {
      this.#waiting -= spans.length;
      this.#counts[result.code === ExportResultCode.SUCCESS ? 'exported' : 'failed'] += spans.length;
      this.#health.note(result);
      done(result);
    });
  }
}
