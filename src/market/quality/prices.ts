// Prices that checks look at.
import type { MarketRecord } from '../records.ts';
import { numberOf } from '../scale.ts';

/** Returns the price of a record: of a trade, the middle of a quote with both sides, the close of a bar; NaN without. */
export function priceOf(record: MarketRecord): number {
  if (record.kind === 'trade') return numberOf(record.price, record.scale.price);
  if (record.kind === 'bar') return record.close;
  if (record.kind !== 'quote') return Number.NaN;
  const { bid, ask, bidSize, askSize, scale } = record;
  // An empty side has neither price nor size.
  if ((bid === 0 && bidSize === 0) || (ask === 0 && askSize === 0)) return Number.NaN;
  return numberOf(bid + ask, scale.price) / 2;
}

/** Returns the best bid less the best ask, in ticks; NaN where a side is empty. */
export function topOf(record: MarketRecord): number {
  if (record.kind === 'quote') {
    const { bid, ask, bidSize, askSize } = record;
    if ((bid === 0 && bidSize === 0) || (ask === 0 && askSize === 0)) return Number.NaN;
    return bid - ask;
  }
  if (record.kind !== 'book_snapshot' || record.bids.length === 0 || record.asks.length === 0) {
    return Number.NaN;
  }
  return record.bids[0]! - record.asks[0]!;
}
