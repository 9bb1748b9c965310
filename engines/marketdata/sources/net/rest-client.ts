// Requests to a provider's REST interface: a time limit, retries, its rate limit, bounded bodies, errors without secrets.
import type { Clock } from '../../../../src/core/clock.ts';
import {
  DependencyUnavailableError,
  NautilusError,
  ProviderError,
  TooManyRequestsError,
} from '../../../../src/core/errors.ts';
import { pause, type Timers } from '../../../../src/core/timers.ts';
import { Backoff, type BackoffOptions } from './backoff.ts';
import { parseJson } from './json.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { said } from './said.ts';

export interface RestOptions {
  /** Name of the provider in messages. */
  readonly provider: string;
  /** Address that paths are added to, without a slash at the end. */
  readonly base: string;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: () => number;
  readonly limiter?: RateLimiter | undefined;
  /** Sent with every request: keys, User-Agent. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Values that never appear in a message. */
  readonly secrets?: readonly string[] | undefined;
  /** Time limit of one try. */
  readonly timeoutMs?: number | undefined;
  /** Tries after the first. */
  readonly retries?: number | undefined;
  /** Largest body, uncompressed. */
  readonly maxBytes?: number | undefined;
  readonly backoff?: BackoffOptions | undefined;
  /** Looks at the headers of every answer: limits that the provider counts. */
  readonly onHeaders?: ((headers: Headers) => void) | undefined;
  /** Explains a body of status 200 that is an error all the same; null when it is none. */
  readonly refusal?: ((body: unknown) => Refusal | null) | undefined;
}

export interface Refusal {
  readonly reason: string;
  /** Whether it may pass later: retried like a 429. */
  readonly limited?: boolean;
}

export interface RestRequest {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** What it costs of the rate limit; 1. */
  readonly weight?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

const TIMEOUT_MS = 15_000;
const RETRIES = 4;
const MAX_BYTES = 32 * 2 ** 20;
/** Longer waits are the caller's to decide. */
const MAX_WAIT_MS = 120_000;
const MAX_SAID_BYTES = 65_536;

/** What became of one try. */
type Outcome =
  | { readonly done: string; readonly headers: Headers }
  | { readonly again: NautilusError; readonly waitMs: number | null };

/** Reads from one provider. Only GET: what is retried must be safe to repeat. */
export class RestClient {
  readonly #options: RestOptions;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  /**
   * Returns the JSON of `path`, with long numbers as text ({@link parseJson}). Throws {@link ProviderError} for a refusal or an unreadable
   * answer, {@link TooManyRequestsError} when the provider's limit asks for more than two minutes, {@link DependencyUnavailableError} when
   * it cannot be reached after all tries, and the reason of `signal`.
   */
  async json(path: string, request: RestRequest = {}): Promise<unknown> {
    return (await this.#read(path, request, (text) => this.#parsed(path, text))).value;
  }

  /** Returns the text of `path`; throws as {@link json}. */
  async text(path: string, request: RestRequest = {}): Promise<string> {
    return (await this.#read(path, request, (text) => ({ value: text }))).value;
  }

  async #read<T>(
    path: string,
    request: RestRequest,
    parse: (text: string) => { value: T } | { again: NautilusError },
  ): Promise<{ value: T }> {
    const { timers, limiter, random, retries = RETRIES } = this.#options;
    const backoff = new Backoff(random, this.#options.backoff);
    for (let left = retries; ; left--) {
      const heldMs = limiter?.heldMs ?? 0;
      if (heldMs > MAX_WAIT_MS) throw this.#tooMany(path, heldMs);
      await limiter?.take(request.weight ?? 1, request.signal);
      request.signal?.throwIfAborted();
      let outcome = await this.#once(path, request);
      if ('done' in outcome) {
        const parsed = parse(outcome.done);
        if ('value' in parsed) return parsed;
        outcome = { again: parsed.again, waitMs: retryAfterMs(outcome.headers, this.#options.clock) };
      }
      const { again } = outcome;
      // A wait of 0, or a date that is past, is no reason to ask in a loop.
      const waitMs = Math.max(outcome.waitMs ?? 0, backoff.next());
      const limited = again instanceof TooManyRequestsError;
      // All other requests wait as well, not only this one.
      if (limited) limiter?.hold(waitMs);
      if (left <= 0) throw again;
      if (waitMs > MAX_WAIT_MS)
        throw limited ? again : new DependencyUnavailableError(again.message, Math.ceil(waitMs / 1000));
      await pause(timers, waitMs, request.signal);
    }
  }

  /** One try; throws what another try would not mend. */
  async #once(path: string, request: RestRequest): Promise<Outcome> {
    const { base, timers, headers, timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES } = this.#options;
    const stop = new AbortController();
    const cancel = timers.after(timeoutMs, () => stop.abort(new Error('timed out')));
    const aborted = () => stop.abort(request.signal!.reason);
    request.signal?.addEventListener('abort', aborted, { once: true });
    try {
      const response = await fetch(base + path + queryOf(request.query), {
        headers: { ...headers, ...request.headers },
        // A redirect could carry keys to another host.
        redirect: 'manual',
        signal: stop.signal,
      });
      this.#options.onHeaders?.(response.headers);
      if (response.ok) {
        const body = await bounded(response, maxBytes);
        if (body.whole) return { done: body.text, headers: response.headers };
        throw this.#error(path, `Expected at most ${maxBytes} bytes`, 'was more', response.status);
      }
      const text = (await bounded(response, MAX_SAID_BYTES)).text;
      return this.#failed(path, response, text);
    } catch (error) {
      if (error instanceof NautilusError) throw error;
      request.signal?.throwIfAborted();
      const why = stop.signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error);
      return { again: this.#away(path, said(why, this.#options.secrets)), waitMs: null };
    } finally {
      cancel();
      request.signal?.removeEventListener('abort', aborted);
    }
  }

  #failed(path: string, response: Response, text: string): Outcome {
    const { status } = response;
    const waitMs = retryAfterMs(response.headers, this.#options.clock);
    // 418 of Binance: too many 429 were not heeded.
    if (status === 429 || status === 418) return { again: this.#tooMany(path, waitMs ?? 1000), waitMs };
    if (status >= 500 || status === 408)
      return { again: this.#away(path, `status ${status}: ${said(text, this.#options.secrets)}`), waitMs };
    throw this.#error(
      path,
      'Expected an answer',
      `was refused: ${said(text, this.#options.secrets)}`,
      status,
    );
  }

  #parsed(path: string, text: string): { value: unknown } | { again: NautilusError } {
    let value: unknown;
    try {
      value = parseJson(text);
    } catch {
      throw this.#error(
        path,
        'Expected JSON',
        `was: ${said(text.slice(0, 1000), this.#options.secrets)}`,
        200,
      );
    }
    const refusal = this.#options.refusal?.(value);
    if (!refusal) return { value };
    if (refusal.limited) return { again: this.#tooMany(path, 1000) };
    const reason = said(refusal.reason, this.#options.secrets);
    throw this.#error(path, 'Expected an answer', `was refused: ${reason}`, 200);
  }

  #error(path: string, expected: string, was: string, status: number): ProviderError {
    const { provider } = this.#options;
    return new ProviderError(`${expected} from ${provider} for ${path}, ${was}`, provider, status);
  }

  #away(path: string, reason: string): DependencyUnavailableError {
    return new DependencyUnavailableError(
      `Expected an answer from ${this.#options.provider} for ${path}, was none: ${reason}`,
    );
  }

  #tooMany(path: string, waitMs: number): TooManyRequestsError {
    const seconds = Math.ceil(waitMs / 1000);
    return new TooManyRequestsError(
      `The rate limit of ${this.#options.provider} is used up (${path}); it may be asked again in ${seconds} s`,
      seconds,
    );
  }
}

function queryOf(query: RestRequest['query']): string {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  if (given.length === 0) return '';
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`;
}

/** `Retry-After` (RFC 9110, section 10.2.3), in seconds or as a date, in milliseconds from now; null without one. */
function retryAfterMs(headers: Headers, clock: Clock): number | null {
  const text = headers.get('retry-after');
  if (text === null) return null;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - clock.nowUs() / 1000);
}

/** Returns the body as text up to `most` bytes; what is not read is cancelled, as unread bodies hold their memory. */
async function bounded(response: Response, most: number): Promise<{ text: string; whole: boolean }> {
  const reader = response.body?.getReader();
  if (!reader) return { text: '', whole: true };
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text: text + decoder.decode(), whole: true };
    bytes += value.byteLength;
    if (bytes > most) {
      await reader.cancel();
      return {
        text: text + decoder.decode(value.subarray(0, Math.max(0, most - bytes + value.byteLength))),
        whole: false,
      };
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** The kind of a network error; its message can hold the address with its query, so only the code is taken. */
function reasonOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'network error';
}
