// Samples of how long records took, by the times that their rows carry.
import type { Envelope } from '../../src/bus/envelope.ts';
import { quantile } from '../pairs.ts';

interface Row {
  readonly ts_event_us: number;
  readonly ts_receive_us: number;
}

/** Percentiles in microseconds, the first half left out: until then the compiler takes part of the time. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

export interface Measured {
  readonly count: number;
  /** Since a record was received. */
  readonly received: Quantiles;
  /** Since its venue sent it. */
  readonly sent: Quantiles;
}

function quantiles(us: readonly number[]): Quantiles {
  const warm = us.slice(us.length / 2);
  return { p50: quantile(warm, 0.5), p99: quantile(warm, 0.99) };
}

/** Times of trades, quotes and changes of books. */
export class Samples {
  readonly #received: number[] = [];
  readonly #sent: number[] = [];

  get count(): number {
    return this.#sent.length;
  }

  take(batch: readonly Envelope[], nowUs: number): void {
    for (const { body } of batch) {
      const { trades, quotes, deltas } = body as Record<string, readonly Row[] | undefined>;
      for (const { ts_event_us, ts_receive_us } of trades ?? quotes ?? deltas ?? []) {
        this.#received.push(nowUs - ts_receive_us);
        this.#sent.push(nowUs - ts_event_us);
      }
    }
  }

  measured(): Measured {
    return { count: this.count, received: quantiles(this.#received), sent: quantiles(this.#sent) };
  }
}
