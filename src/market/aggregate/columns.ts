// Trades and bars as columns: what aggregation reads and writes.

/** Trades in order; element `i` of each column belongs to trade `i`. */
export interface TradeColumns {
  /** Times of the venue in microseconds. */
  readonly tsUs: Float64Array;
  readonly price: Float64Array;
  readonly size: Float64Array;
  /** 1 where the buyer took liquidity, -1 where the seller did, 0 where that is not known; absent when it is known of none. */
  readonly side?: Int8Array | undefined;
}

/** Bars in order. */
export interface BarColumns {
  readonly count: number;
  /** Start of its interval for bars of time; time of its first trade for others. */
  readonly tsUs: Float64Array;
  /** Time of its last trade. */
  readonly lastUs: Float64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
  /** Sum of price times size: with `volume` the mean price. */
  readonly notional: Float64Array;
  readonly trades: Float64Array;
}

/** One finished bar. */
export interface AggregateBar {
  tsUs: number;
  lastUs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  notional: number;
  trades: number;
}

const NAMES = ['tsUs', 'lastUs', 'open', 'high', 'low', 'close', 'volume', 'notional', 'trades'] as const;

/** Columns that grow by doubling. */
export class BarList {
  #capacity = 64;
  #count = 0;
  #columns = NAMES.map(() => new Float64Array(this.#capacity));

  add(bar: AggregateBar): void {
    if (this.#count === this.#capacity) {
      this.#capacity *= 2;
      this.#columns = this.#columns.map((column) => {
        const larger = new Float64Array(this.#capacity);
        larger.set(column);
        return larger;
      });
    }
    const at = this.#count++;
    for (let i = 0; i < NAMES.length; i++) this.#columns[i]![at] = bar[NAMES[i]!];
  }

  columns(): BarColumns {
    const named = NAMES.map((name, i) => [name, this.#columns[i]!.slice(0, this.#count)]);
    return { count: this.#count, ...(Object.fromEntries(named) as Omit<BarColumns, 'count'>) };
  }
}
