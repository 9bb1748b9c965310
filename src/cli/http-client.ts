// Requests from commands to running engines; problems become errors with their own words.
import { isIPv6 } from 'node:net';
import { type Config, loadConfig, secret } from '../core/config.ts';
import { DependencyUnavailableError, NautilusError } from '../core/errors.ts';
import { readLocalKey } from '../http/local-key.ts';
import { type RunFile, readRunFile } from './run-file.ts';

/** Longest wait, in milliseconds, for the state of an engine, which answers at once when it answers at all. */
export const STATUS_TIMEOUT_MS = 2000;

interface Problem {
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
}

/** Returns the base URL of an engine of this machine; engines that listen on every address are reached on loopback. */
export function engineUrl({ host }: Pick<Config, 'host'>, port: number): string {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${isIPv6(reached) ? `[${reached}]` : reached}:${port}`;
}

/** Returns the base URL of an engine of the running system. Throws DependencyUnavailableError when it does not run. */
export function runningEngine(name: string): string {
  const config = loadConfig();
  const engine = readRunFile(config.dataDir)?.engines.find((e) => e.name === name);
  if (!engine?.port) {
    throw new DependencyUnavailableError(
      `The ${name} engine does not run on ${config.dataDir}: start it with \`bun run engines\``,
    );
  }
  return engineUrl(config, engine.port);
}

/** Returns the base URL of one engine process; a replica is reached on its own port. */
export function processUrl(config: Pick<Config, 'host'>, engine: RunFile['engines'][number]): string {
  if (engine.private_port !== null) return `http://127.0.0.1:${engine.private_port}`;
  return engineUrl(config, engine.port ?? 0);
}

/** Returns the key that the caller has set, else the one that the running system keeps for commands on its data folder. */
export function commandKey(): string | undefined {
  return secret('NAUTILUS_API_KEY') ?? readLocalKey(loadConfig().dataDir);
}

function withKey(given: RequestInit['headers']): Headers {
  const headers = new Headers(given);
  const key = commandKey();
  if (key !== undefined) headers.set('authorization', `Bearer ${key}`);
  return headers;
}

/**
 * Sends one request and returns the parsed JSON reply. Gives up after `timeoutMs`, by default after `DEFAULT_TIMEOUT`.
 * Throws NautilusError with the engine's problem.
 */
export async function request<T>(
  url: string,
  init: RequestInit = {},
  timeoutMs = loadConfig().defaultTimeoutMs,
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      ...init,
      headers: withKey(init.headers),
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (error) {
    const timedOut = (error as Error).name === 'TimeoutError';
    throw new DependencyUnavailableError(
      timedOut ? `No reply from ${url} within ${timeoutMs} ms` : `No engine answers at ${url}`,
    );
  }
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new DependencyUnavailableError(`Expected JSON from ${url}, status was ${response.status}`);
  }
  if (response.ok) return body as T;
  const { type = '/problems/unknown', title = 'Request failed', detail = 'no detail' } = body as Problem;
  throw new NautilusError(type.split('/').at(-1)!, response.status, title, detail);
}

const BACK_MS = 10_000;
const RETRY_MS = 200;

/**
 * Reads as {@link request} does, and asks again for ten seconds while nobody answers: an engine that was ended is back within them, perhaps elsewhere, so that
 * `url` is asked each time.
 */
export async function followed<T>(url: () => string): Promise<T> {
  const deadline = performance.now() + BACK_MS;
  for (;;) {
    try {
      return await request<T>(url());
    } catch (error) {
      if (!(error instanceof DependencyUnavailableError) || performance.now() > deadline) throw error;
      await Bun.sleep(RETRY_MS);
    }
  }
}

/** Sends a JSON body. */
export function post<T>(url: string, body: unknown): Promise<T> {
  return request<T>(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}
