// Records with the flags that their gate found.
import type { MarketRecord } from '../../../src/market/records.ts';

/**
 * Returns the record with these flags: itself where it has them, else a copy. Trades and quotes, which are nearly all records, are copied by
 * whole literals: where a clock is wrong every one of them has a flag, and copies of unknown members cost as much as the gate.
 */
export function flagged(record: MarketRecord, flags: number): MarketRecord {
  if (flags === record.flags) return record;
  switch (record.kind) {
    case 'trade':
      return {
        kind: record.kind,
        symbol: record.symbol,
        source: record.source,
        tsEventUs: record.tsEventUs,
        tsReceiveUs: record.tsReceiveUs,
        tsEventText: record.tsEventText,
        tsReceiveText: record.tsReceiveText,
        sequence: record.sequence,
        flags,
        scale: record.scale,
        price: record.price,
        size: record.size,
        side: record.side,
        id: record.id,
      };
    case 'quote':
      return {
        kind: record.kind,
        symbol: record.symbol,
        source: record.source,
        tsEventUs: record.tsEventUs,
        tsReceiveUs: record.tsReceiveUs,
        tsEventText: record.tsEventText,
        tsReceiveText: record.tsReceiveText,
        sequence: record.sequence,
        flags,
        scale: record.scale,
        bid: record.bid,
        bidSize: record.bidSize,
        ask: record.ask,
        askSize: record.askSize,
      };
    default:
      return { ...record, flags };
  }
}
