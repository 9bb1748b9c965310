// One exchange of ccxt: its module alone, pointed at other addresses in tests, its errors as those of this project.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  DependencyUnavailableError,
  InvalidOptionError,
  NautilusError,
  ProviderError,
  TooManyRequestsError,
} from '../../../../src/core/errors.ts';
import { said } from '../net/said.ts';
import type { SourceContext } from '../port.ts';
import type { Exchange } from './unified.ts';

const TIMEOUT_MS = 15_000;

/** An exchange, and how to tell its errors. */
export interface Loaded {
  readonly exchange: Exchange;
  failure(error: unknown): NautilusError;
}

type Constructor = new (options: Record<string, unknown>) => Exchange;
type Errors = Readonly<Record<string, new (...args: never[]) => Error>>;

/** Returns the address of a module of an exchange with streams, or of the one without; null when ccxt has no such exchange. */
export function moduleOf(id: string): URL | null {
  if (!/^[a-z0-9]{2,40}$/.test(id)) return null;
  // The package exports all exchanges at once only, which takes 0.5 s and twice the memory.
  const root = import.meta.resolve('ccxt');
  for (const path of [`./src/pro/${id}.js`, `./src/${id}.js`]) {
    const url = new URL(path, root);
    if (existsSync(fileURLToPath(url))) return url;
  }
  return null;
}

/** Loads an exchange: about 0.1 s and 30 MB. `rateLimitMs` is the least time between two requests, that of ccxt without. Throws {@link InvalidOptionError} for an id that ccxt does not have. */
export async function loadExchange(
  id: string,
  context: SourceContext,
  rateLimitMs?: number,
): Promise<Loaded> {
  const url = moduleOf(id);
  if (!url)
    throw new InvalidOptionError('Expected the id of an exchange of ccxt after `ccxt:`, was another name', [
      { pointer: '/source', expected: 'the id of an exchange of ccxt', received: 'string' },
    ]);
  const { default: Exchange } = (await import(url.href)) as { default: Constructor };
  const errors = (await import(new URL('./src/base/errors.js', import.meta.resolve('ccxt')).href)) as Errors;
  // Public data only: no keys. It keeps to the limits of the exchange itself.
  const pace = rateLimitMs === undefined ? {} : { rateLimit: rateLimitMs };
  const exchange = new Exchange({ enableRateLimit: true, timeout: TIMEOUT_MS, newUpdates: true, ...pace });
  const { urls } = exchange;
  urls.api = redirected(urls.api, context.endpoint('rest'), context.endpoint('stream'));
  // ccxt refuses streams without TLS, as proxies and tests have them, before this.
  if (context.endpoint('stream')?.startsWith('ws:')) await exchange.loadHttpProxyAgent();
  return { exchange, failure: (error) => failureOf(id, error, errors) };
}

/** Returns all addresses within `value` with other hosts. */
function redirected(value: unknown, rest: string | undefined, stream: string | undefined): unknown {
  if (typeof value === 'string') {
    const match = /^(https?|wss?):\/\/[^/]+(.*)$/.exec(value);
    const base = match?.[1]?.startsWith('ws') ? stream : rest;
    return match && base ? base + match[2] : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, redirected(each, rest, stream)]),
  );
}

function failureOf(id: string, error: unknown, errors: Errors): NautilusError {
  if (error instanceof NautilusError) return error;
  const provider = `ccxt:${id}`;
  const why = said((error as Error).message ?? '');
  const is = (name: string) => errors[name] !== undefined && error instanceof errors[name];
  if (is('DDoSProtection') || is('RateLimitExceeded'))
    return new TooManyRequestsError(`The rate limit of ${provider} is used up: ${why}`, 1);
  if (is('NetworkError'))
    return new DependencyUnavailableError(`Expected an answer from ${provider}, was none: ${why}`);
  return new ProviderError(`Expected an answer from ${provider}, was refused: ${why}`, provider, 200);
}
