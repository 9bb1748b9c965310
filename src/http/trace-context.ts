// W3C Trace Context: which trace a request belongs to. Its trace id is the correlation of what the request causes.

/** The trace of one request. */
export interface TraceContext {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** `traceparent` of the reply: the same trace with the span of this request. */
  readonly traceparent: string;
}

// Version 00 has exactly these parts; later versions may append some.
const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;

const contexts = new WeakMap<Request, TraceContext>();

/** Who called, as the header of a request says. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  /** 1 = the caller records the trace, 0 = it does not. */
  readonly flags: 0 | 1;
}

/** Returns what the header `given` says; null when it is absent or not valid. Source: as {@link traceContext}. */
export function parseTraceParent(given: string | null): TraceParent | null {
  const parts = given === null ? null : TRACEPARENT.exec(given);
  if (parts === null || (parts[1] === '00' && parts[5] !== undefined)) return null;
  const flags = Number.parseInt(parts[4]!, 16) & SAMPLED ? 1 : 0;
  return { traceId: parts[2]!, spanId: parts[3]!, flags };
}

/**
 * Returns the trace of a request with the header `given`: that one when it is valid, a new one otherwise.
 * Source: W3C Trace Context (Recommendation of 2021-11-23), section 3.2.
 */
export function traceContext(given: string | null): TraceContext {
  const parent = parseTraceParent(given);
  const traceId = parent?.traceId ?? randomHex(16);
  return { traceId, traceparent: `00-${traceId}-${randomHex(8)}-0${parent?.flags ?? 0}` };
}

/** Notes the trace of a request, for {@link traceIdOf}. */
export function setTrace(request: Request, context: TraceContext): void {
  contexts.set(request, context);
}

/** Returns the id to publish with as correlation; undefined for a request that carries no trace (a GET without one). */
export function traceIdOf(request: Request): string | undefined {
  return contexts.get(request)?.traceId;
}

// All zeros is not an id; its chance is one in 2^64 at most.
function randomHex(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');
}
