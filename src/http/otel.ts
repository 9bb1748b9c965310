// Export of telemetry as the rest sees it; otel-start.ts starts it.
import type { MessageTracing } from '../bus/tracing.ts';
import type { TraceContext } from './trace-context.ts';

/** The span of one request. */
export interface RequestSpan {
  /** The trace that the request causes things in, with this span. */
  readonly context: TraceContext;
  /** Ends it with the reply. `route` is the pattern, null when none matched. */
  end(route: string | null, status: number, requestId: string): void;
  /** Ends it for a request that gets no reply; `reason` is one of few words. */
  fail(reason: string): void;
}

/** Records requests and the handling of messages. */
export interface Tracing extends MessageTracing {
  /** Begins the span of a request whose `traceparent` header is `parent`. */
  request(request: Request, parent: string | null): RequestSpan;
}

/** The export that runs for one engine. */
export interface Telemetry {
  /** Undefined where only metrics are exported. */
  readonly tracing: Tracing | undefined;
  /** Exports what is left, for at most `graceMs`, and ends. Never rejects. */
  stop(graceMs: number): Promise<void>;
}
