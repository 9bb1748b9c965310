// Snapshots of Binance's books by REST: one request for a book at a time, again and again until it comes or nobody waits for it.
import { NautilusError, ProviderError } from '../../../../src/core/errors.ts';
import { pause } from '../../../../src/core/timers.ts';
import { Backoff } from '../net/backoff.ts';
import { Unreadable } from '../net/fields.ts';
import type { SourceContext } from '../port.ts';
import type { BinanceRest } from './rest.ts';

export interface SnapshotEvents {
  /** Levels of a side that are asked for. */
  levels(native: string): number;
  /** The body of a snapshot; throws {@link Unreadable}. */
  came(native: string, body: unknown): void;
  /** The venue has no such book. */
  refused(native: string, reason: string): void;
  garbage(reason: string): void;
}

/** Firewalls answer so who asks too much; it passes. */
const FORBIDDEN = 403;

export class Snapshots {
  readonly #rest: BinanceRest;
  readonly #context: SourceContext;
  readonly #events: SnapshotEvents;
  readonly #fetching = new Map<string, AbortController>();

  constructor(rest: BinanceRest, context: SourceContext, events: SnapshotEvents) {
    this.#rest = rest;
    this.#context = context;
    this.#events = events;
  }

  /** Fetches the snapshot of a book, unless it is being fetched. */
  fetch(native: string): void {
    if (this.#fetching.has(native)) return;
    const stop = new AbortController();
    this.#fetching.set(native, stop);
    void this.#untilDone(native, stop.signal).finally(() => {
      if (this.#fetching.get(native) === stop) this.#fetching.delete(native);
    });
  }

  /** Gives the snapshot of a book up. */
  drop(native: string): void {
    const stop = this.#fetching.get(native);
    if (!stop) return;
    this.#fetching.delete(native);
    stop.abort();
  }

  close(): void {
    for (const native of [...this.#fetching.keys()]) this.drop(native);
  }

  async #untilDone(native: string, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.#context.random);
    while (!(await this.#once(native, signal)))
      await pause(this.#context.timers, backoff.next(), signal).catch(() => {});
  }

  /** One try; whether it was the last. */
  async #once(native: string, signal: AbortSignal): Promise<boolean> {
    try {
      const body = await this.#rest.depth(native, this.#events.levels(native), signal);
      if (!signal.aborted) this.#events.came(native, body);
      return true;
    } catch (error) {
      if (signal.aborted) return true;
      if (isFinal(error)) {
        this.#events.refused(native, (error as Error).message);
        return true;
      }
      if (error instanceof Unreadable || error instanceof ProviderError) this.#events.garbage(error.message);
      else if (!(error instanceof NautilusError))
        this.#context.log.error({ err: error }, 'no depth snapshot');
      return false;
    }
  }
}

/** Whether the venue would say the same again; an answer that cannot be read may be another next time. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof ProviderError)) return false;
  const status = Number(error.extras.provider_status);
  return status >= 400 && status < 500 && status !== FORBIDDEN;
}
