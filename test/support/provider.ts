// A provider of market data on a free local port, and what an adapter gets from its engine, for tests of sources.
import type { HistoryRequest, SourceAdapter, SourceContext } from '../../engines/marketdata/sources/port.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createLogTo } from '../../src/core/log.ts';
import { systemTimers } from '../../src/core/timers.ts';
import type { MarketRecord } from '../../src/market/records.ts';

/** Answers one request. */
export type Answer = (url: URL, request: Request) => Response | Promise<Response>;

/** A server with the requests that it was sent. */
export class Provider {
  readonly requests: { readonly url: URL; readonly headers: Headers }[] = [];
  readonly #server: Bun.Server<undefined>;

  constructor(answer: Answer) {
    this.#server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: (request) => {
        const url = new URL(request.url);
        this.requests.push({ url, headers: request.headers });
        return answer(url, request);
      },
    });
  }

  get base(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }
}

/** A context whose log lines are kept. */
export interface TestContext extends SourceContext {
  readonly lines: string[];
}

/** Returns what an adapter gets, with these addresses and credentials. */
export function testContext(
  endpoints: Readonly<Record<string, string>> | ((name: string) => string | undefined),
  credentials: Readonly<Record<string, string>> = {},
  more: Partial<SourceContext> = {},
): TestContext {
  const lines: string[] = [];
  return {
    clock: systemClock,
    timers: systemTimers,
    log: createLogTo('marketdata', 'trace', (line) => lines.push(line)),
    credential: (name) => credentials[name],
    endpoint: typeof endpoints === 'function' ? endpoints : (name) => endpoints[name],
    random: () => 0,
    ...more,
    lines,
  };
}

/** Time limits of requests and answers are as long at least, waits of rate limits and of retries shorter. */
const LIMIT_MS = 15_000;

/** Returns a clock that begins at `startUs` and timers by which waits take no time but on that clock; time limits stay on that of the system. */
export function withoutWaits(startUs: number): Pick<SourceContext, 'clock' | 'timers'> {
  let nowUs = startUs;
  return {
    clock: { nowUs: () => nowUs },
    timers: {
      after(ms, run) {
        if (ms >= LIMIT_MS) return systemTimers.after(ms, run);
        return systemTimers.after(0, () => {
          nowUs += ms * 1000;
          run();
        });
      },
    },
  };
}

/** Returns the batches of a history. */
export async function readBatches<R extends MarketRecord>(
  adapter: SourceAdapter,
  request: HistoryRequest,
  signal: AbortSignal = new AbortController().signal,
): Promise<R[][]> {
  const batches: R[][] = [];
  for await (const batch of adapter.history!(request, signal)) batches.push([...batch] as R[]);
  return batches;
}

/** Returns all records of a history. */
export async function readAll<R extends MarketRecord>(
  adapter: SourceAdapter,
  request: HistoryRequest,
  signal?: AbortSignal,
): Promise<R[]> {
  return (await readBatches<R>(adapter, request, signal)).flat();
}
