// Spans of requests and of handled messages, by the semantic conventions of OpenTelemetry for HTTP servers and messaging.
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { Envelope } from '../bus/envelope.ts';
import type { HandlingSpans } from '../bus/tracing.ts';
import { NautilusError } from '../core/errors.ts';
import { redact } from '../core/redact.ts';
import type { RequestSpan, Tracing } from './otel.ts';
import { parseTraceParent, type TraceContext } from './trace-context.ts';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'CONNECT', 'TRACE']);
// What a request causes is said within its time or that of the messages after it; older traces are let go.
const MAX_TRACES = 1000;

/** Records with `tracer`. Spans of one trace that this engine begins while the trace is known are children of its latest. */
export class OtelTracing implements Tracing {
  readonly #tracer: Tracer;
  /** By trace id, the `traceparent` of the latest span here; the oldest first. */
  readonly #latest = new Map<string, string>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  request(request: Request, parent: string | null): RequestSpan {
    const { method } = request;
    const known = METHODS.has(method);
    const { protocol, pathname } = new URL(request.url);
    const attributes = {
      'http.request.method': known ? method : '_OTHER',
      'url.path': redact(pathname),
      'url.scheme': protocol.slice(0, -1),
    };
    const name = known ? method : 'HTTP';
    const span = this.#tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, contextOf(parent));
    const context = traceContextOf(span.spanContext());
    if (!span.isRecording()) return new IgnoredRequest(context);
    this.#remember(context);
    const recorded = new RecordedRequest(context, span, name);
    request.signal.addEventListener('abort', () => recorded.fail('client_gone'), { once: true });
    return recorded;
  }

  contextOf(correlationId: string): string | undefined {
    return this.#latest.get(correlationId);
  }

  handling(batch: readonly Envelope[]): HandlingSpans | undefined {
    let groups: Map<string, Group> | undefined;
    for (const envelope of batch) {
      const { traceparent, topic } = envelope;
      if (traceparent === undefined) continue;
      groups ??= new Map();
      const key = `${traceparent} ${topic}`;
      const group = groups.get(key);
      if (group) group.count++;
      else groups.set(key, { first: envelope, count: 1 });
    }
    if (!groups) return undefined;
    const spans = [...groups.values()].map((group) => this.#handle(group));
    return {
      end: (error) => {
        for (const span of spans) {
          if (error !== undefined) markFailed(span, errorType(error));
          span.end();
        }
      },
    };
  }

  #handle({ first, count }: Group): Span {
    const attributes = {
      'messaging.system': 'nautilus',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': first.topic,
      ...(count === 1 ? { 'messaging.message.id': first.id } : { 'messaging.batch.message_count': count }),
      'nautilus.message.source': first.source,
    };
    const options = { kind: SpanKind.CONSUMER, attributes };
    const span = this.#tracer.startSpan(`process ${first.topic}`, options, contextOf(first.traceparent!));
    if (span.isRecording()) this.#remember(traceContextOf(span.spanContext()));
    return span;
  }

  #remember({ traceId, traceparent }: TraceContext): void {
    this.#latest.delete(traceId);
    this.#latest.set(traceId, traceparent);
    if (this.#latest.size > MAX_TRACES) this.#latest.delete(this.#latest.keys().next().value!);
  }
}

/** Messages of one batch with one topic and one parent. */
interface Group {
  readonly first: Envelope;
  count: number;
}

class IgnoredRequest implements RequestSpan {
  constructor(readonly context: TraceContext) {}
  end(): void {}
  fail(): void {}
}

class RecordedRequest implements RequestSpan {
  constructor(
    readonly context: TraceContext,
    readonly span: Span,
    readonly method: string,
  ) {}

  end(route: string | null, status: number, requestId: string): void {
    const { span } = this;
    // A reply may come after its client has gone.
    if (!span.isRecording()) return;
    if (route !== null) {
      span.updateName(`${this.method} ${route}`);
      span.setAttribute('http.route', route);
    }
    span.setAttribute('http.response.status_code', status);
    span.setAttribute('http.response.header.x-request-id', [requestId]);
    if (status >= 500) markFailed(span, String(status));
    span.end();
  }

  fail(reason: string): void {
    if (!this.span.isRecording()) return;
    markFailed(this.span, reason);
    this.span.end();
  }
}

function markFailed(span: Span, type: string): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function errorType(error: unknown): string {
  if (error instanceof NautilusError) return error.slug;
  return error instanceof Error ? error.name : 'error';
}

function contextOf(traceparent: string | null): Context {
  const parent = parseTraceParent(traceparent);
  if (!parent) return ROOT_CONTEXT;
  const { traceId, spanId, flags } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags, isRemote: true });
}

function traceContextOf({ traceId, spanId, traceFlags }: SpanContext): TraceContext {
  return { traceId, traceparent: `00-${traceId}-${spanId}-0${traceFlags & 1}` };
}
