// The Elysia application around an engine's routes: ids, limits, errors, health, metrics, OpenAPI.
import { Elysia } from 'elysia';
import { z } from 'zod';
import { DependencyUnavailableError, NautilusError } from '../core/errors.ts';
import { idSequence } from '../core/ids.ts';
import type { Admission, Guard, Peer } from './auth.ts';
import { admitJson } from './body.ts';
import type { EngineDefinition, EngineHost, EngineParts } from './engine.ts';
import { type HardwareTeller, hardwareRoutes } from './hardware-routes.ts';
import type { EngineMetrics } from './metrics.ts';
import type { NativeInfo } from './native-info.ts';
import { openApi } from './openapi.ts';
import type { RequestSpan } from './otel.ts';
import { problemResponse, toNautilusError } from './problem.ts';
import { QueryNames } from './query-names.ts';
import { setTrace, type TraceContext, traceContext, traceIdOf } from './trace-context.ts';

/** What `/health` says, without the time it took to say it. */
export interface Health {
  readonly status: 'healthy' | 'degraded';
  readonly engine: string;
  readonly version: string;
  readonly uptime_s: number;
  readonly messagebus_connected: boolean;
  readonly messagebus: string;
  readonly native: NativeInfo;
  readonly missing: string[];
}

/** The engine as its own routes see it. */
export interface EngineState extends HardwareTeller {
  health(): Health;
  /** Why it is not ready, or null. */
  notReady(): string | null;
  systemStatus(): Record<string, unknown>;
}

const healthSchema = z.object({
  status: z.enum(['healthy', 'degraded']),
  engine: z.string(),
  version: z.string(),
  uptime_s: z.number().describe('seconds since the process started'),
  messagebus_connected: z.boolean(),
  messagebus: z.string().describe('memory, hub or redis'),
  native: z.object({ backend: z.string(), target: z.string().nullable() }),
  missing: z.array(z.string()).describe('what the engine lacks when degraded'),
  response_time_ms: z.number(),
});

const HEALTH = '/health';
const UNMATCHED = 'unmatched';
const REQUEST_ID = /^[\w.:-]{1,128}$/;

// What the hooks need to know of a request that Elysia's context loses when an error is answered.
interface Trace {
  readonly id: string;
  readonly startNs: number;
  route: string;
  admission?: Admission;
}

/**
 * Returns the fetch handler of one engine. Every reply carries `x-request-id` (the caller's when it is short and
 * printable; health makes its own); every error is a problem document. Everything but health passes `guard` before any
 * route is looked for.
 */
export function buildApp(
  definition: EngineDefinition,
  context: EngineHost,
  parts: Pick<EngineParts, 'routes' | 'rawBodies'>,
  state: EngineState,
  guard: Guard,
): (request: Request, peer?: Peer) => Response | Promise<Response> {
  const traces = new WeakMap<Request, Trace>();
  const nextId = idSequence();
  const rawBodies = pathsOf(parts.rawBodies ?? []);
  const { log, metrics, config } = context;
  const tracing = context.telemetry?.tracing;
  const health = (startNs: number) => {
    const said = state.health();
    const response_time_ms = Math.round((Bun.nanoseconds() - startNs) / 1e3) / 1e3;
    return Object.assign(said, { response_time_ms });
  };
  const app = new Elysia({
    name: `engine-${definition.name}`,
    // Else the router takes the path of a short host name such as `x` from its second part on.
    handler: { standardHostname: false },
  })
    // Elysia reads the source of hooks to know what they need: one that hands its whole context on makes it parse cookies,
    // headers and query of every request, so that each field is named.
    .onError({ as: 'global' }, ({ request, code, error: cause }) => {
      const trace = traces.get(request)!;
      const error = toNautilusError({ request, code, error: cause });
      if (error.status >= 500 && error.slug === 'internal') {
        const trace_id = traceIdOf(request);
        log.error({ err: cause, request_id: trace.id, trace_id, route: trace.route }, 'request failed');
      }
      return problemResponse(error, trace.id);
    })
    .onTransform({ as: 'global' }, ({ request, route }) => {
      const trace = traces.get(request)!;
      trace.route = route;
      guard.confirm(trace.admission!, request.method, route);
      names.check(request, route);
    })
    .use(openApi(definition))
    .get(HEALTH, ({ request }) => health(traces.get(request)!.startNs), {
      detail: {
        summary: 'Whether the engine works, and what it lacks',
        tags: ['system'],
        responses: okJson(healthSchema),
      },
    })
    .get(
      '/ready',
      () => {
        const reason = state.notReady();
        if (reason) throw new DependencyUnavailableError(`Not ready: ${reason}`);
        return { ready: true };
      },
      { detail: { summary: 'Whether the engine takes work: 200 or 503', tags: ['system'] } },
    )
    .use(metricsRoute(metrics))
    .get('/system/status', () => state.systemStatus(), {
      detail: { summary: 'State, memory, counters of the bus', tags: ['system'] },
    })
    .use(hardwareRoutes(state))
    .use(parts.routes);
  const names = new QueryNames(app.routes, parts.rawBodies ?? []);
  const fetch = app.fetch;

  // Everything but GET may have a body, which is admitted within the limit before Elysia reads it.
  async function admit(request: Request, trace: Trace, context: TraceContext): Promise<Response> {
    if (isRaw(request, rawBodies)) return fetch(request);
    let admitted: Request;
    try {
      admitted = await admitJson(request, config.maxBodyBytes);
    } catch (error) {
      if (error instanceof NautilusError) return problemResponse(error, trace.id);
      throw error;
    }
    if (admitted !== request) {
      traces.set(admitted, trace);
      setTrace(admitted, context);
    }
    return fetch(admitted);
  }

  function idOf(request: Request): string {
    const given = request.headers.get('x-request-id');
    return given && REQUEST_ID.test(given) && !given.startsWith('nk_') ? given : nextId();
  }

  // Health is asked so often that it passes by the router, and its reply is made in one piece. Reading one header of the
  // request would cost a tenth more, so that the id is always ours.
  function answerHealth(): Response {
    const startNs = Bun.nanoseconds();
    const response = Response.json(health(startNs), { headers: { 'x-request-id': nextId() } });
    metrics.observe('GET', HEALTH, 200, (Bun.nanoseconds() - startNs) / 1e9);
    return response;
  }

  return (request, peer) => {
    const isGet = request.method === 'GET';
    // With a query it takes the way of the others.
    if (isGet && isPath(request.url, HEALTH)) return answerHealth();
    const id = idOf(request);
    const trace: Trace = { id, startNs: Bun.nanoseconds(), route: UNMATCHED };
    const parent = request.headers.get('traceparent');
    const span = tracing?.request(request, parent);
    const finish = (response: Response) => {
      response.headers.set('x-request-id', id);
      const seconds = (Bun.nanoseconds() - trace.startNs) / 1e9;
      metrics.observe(request.method, trace.route, response.status, seconds);
      span?.end(trace.route === UNMATCHED ? null : trace.route, response.status, id);
      return response;
    };
    const admission = guard.admit(request, peer);
    const leave = (response: Response) => guard.finish(admission, request, finish(response), id);
    if (admission.refusal) return leave(problemResponse(admission.refusal, id));
    trace.admission = admission;
    traces.set(request, trace);
    // What only reads causes nothing that could be followed: without spans it has a trace only when it came with one.
    if (isGet && parent === null && !span) return whenThere(fetch(request), leave);
    const context = span?.context ?? traceContext(parent);
    setTrace(request, context);
    const answer = isGet ? fetch(request) : admit(request, trace, context);
    if (span) failWith(span, answer);
    return whenThere(answer, (response) => {
      response.headers.set('traceparent', context.traceparent);
      return leave(response);
    });
  };
}

// Without metrics there is no route, so that the path is answered like any unknown one.
function metricsRoute({ enabled, registry }: EngineMetrics) {
  const plugin = new Elysia({ name: 'metrics' });
  if (!enabled) return plugin;
  const headers = { 'content-type': registry.contentType };
  return plugin.get('/metrics', async () => new Response(await registry.metrics(), { headers }), {
    detail: { summary: 'Metrics in the text format of Prometheus', tags: ['system'] },
  });
}

// A reply that is there already does not wait for another turn.
function whenThere(
  answer: Response | Promise<Response>,
  finish: (response: Response) => Response | Promise<Response>,
) {
  return answer instanceof Promise ? answer.then(finish) : finish(answer);
}

// A request whose body breaks off has no reply of ours, and its span ends all the same.
function failWith(span: RequestSpan, answer: Response | Promise<Response>): void {
  if (answer instanceof Promise) answer.catch(() => span.fail('no_reply'));
}

/** Whether a whole URL has just this path, without parsing it. */
function isPath(url: string, path: string): boolean {
  return url.endsWith(path) && url.indexOf('/', url.indexOf('//') + 2) === url.length - path.length;
}

/** Matches the paths of patterns such as `/models/:id/versions`; null where there is no pattern. */
function pathsOf(patterns: readonly string[]): RegExp | null {
  if (patterns.length === 0) return null;
  const literal = (part: string) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const parts = patterns.map((pattern) =>
    pattern.split('/').map((p) => (p.startsWith(':') ? '[^/]+' : literal(p))),
  );
  return new RegExp(`^(?:${parts.map((p) => p.join('/')).join('|')})$`);
}

function isRaw(request: Request, rawBodies: RegExp | null): boolean {
  return rawBodies?.test(new URL(request.url).pathname) ?? false;
}

// Health is asked all the time: its shape is documented here but not checked on each reply, which would double its cost.
function okJson(schema: z.ZodType) {
  return {
    200: { description: 'OK', content: { 'application/json': { schema: z.toJSONSchema(schema) as object } } },
  };
}
