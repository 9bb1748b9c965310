// A receiver of OTLP over HTTP for tests: keeps what it is sent as JSON, answers as it is told to.

/** One received span, with its attributes as plain values. */
export interface ReceivedSpan {
  readonly service: string;
  readonly resource: Attributes;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  /** 2 = server, 5 = consumer. */
  readonly kind: number;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
  /** 0 = not said, 2 = error. */
  readonly status: number;
  readonly attributes: Attributes;
}

/** One received metric. */
export interface ReceivedMetric {
  readonly service: string;
  readonly name: string;
  // Points of sums, gauges and histograms have different fields.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly body: any;
}

type Attributes = Record<string, unknown>;

/** One request that came in. */
export interface ReceivedExport {
  readonly path: string;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** A running receiver. */
export class OtlpReceiver {
  readonly exports: ReceivedExport[] = [];
  readonly spans: ReceivedSpan[] = [];
  readonly metrics: ReceivedMetric[] = [];
  /** Status of the replies; anything but 200 keeps nothing. */
  status = 200;
  /** What a reply waits for. */
  delay: Promise<unknown> = Promise.resolve();
  readonly #server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: (request) => this.#take(request) });

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  /** The variables that make engines export here at once. */
  get env(): Record<string, string> {
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: this.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '20',
      OTEL_METRIC_EXPORT_INTERVAL: '100',
    };
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }

  async #take(request: Request): Promise<Response> {
    const bytes = await request.bytes();
    await this.delay;
    if (this.status !== 200) return new Response('no', { status: this.status });
    const { pathname: path } = new URL(request.url);
    this.exports.push({ path, headers: request.headers, bytes });
    if (request.headers.get('content-type') === 'application/json') {
      const body = JSON.parse(new TextDecoder().decode(bytes));
      if (path.endsWith('/v1/traces')) this.#takeSpans(body);
      if (path.endsWith('/v1/metrics')) this.#takeMetrics(body);
    }
    return Response.json({});
  }

  // biome-ignore lint/suspicious/noExplicitAny: the shape of OTLP in JSON
  #takeSpans(body: any): void {
    for (const { resource, scopeSpans } of body.resourceSpans) {
      const about = plain(resource.attributes);
      for (const { spans } of scopeSpans) {
        for (const span of spans) {
          this.spans.push({
            service: String(about['service.name']),
            resource: about,
            traceId: span.traceId,
            spanId: span.spanId,
            parentSpanId: span.parentSpanId ?? '',
            name: span.name,
            kind: span.kind,
            startMs: Number(span.startTimeUnixNano) / 1e6,
            endMs: Number(span.endTimeUnixNano) / 1e6,
            status: span.status?.code ?? 0,
            attributes: plain(span.attributes),
          });
        }
      }
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: the shape of OTLP in JSON
  #takeMetrics(body: any): void {
    for (const { resource, scopeMetrics } of body.resourceMetrics) {
      const service = String(plain(resource.attributes)['service.name']);
      for (const { metrics } of scopeMetrics) {
        for (const metric of metrics) this.metrics.push({ service, name: metric.name, body: metric });
      }
    }
  }
}

/** Turns a list of OTLP attributes into an object. */
// biome-ignore lint/suspicious/noExplicitAny: the shape of OTLP in JSON
export function plain(attributes: readonly { key: string; value: any }[] = []): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]));
}

// biome-ignore lint/suspicious/noExplicitAny: one of several fields is set
function plainValue(value: any): unknown {
  if (value.arrayValue) return value.arrayValue.values.map(plainValue);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.doubleValue ?? value.boolValue;
}
