// `malformed`: numbers of a record that are none.
import { MARKET_KINDS, type MarketRecord } from '../../records.ts';
import { statelessCheck } from '../definition.ts';

export default statelessCheck(
  {
    flag: 'malformed',
    kinds: MARKET_KINDS,
    rule: 'A price, size, rate or value that is not finite, a size or volume below 0, an integer beyond 2^53, or levels of a book that are no pairs.',
    unless: [],
    weight: 5,
  },
  (record) => record.symbol === '' || !isReadable(record),
);

const finite = Number.isFinite;
const whole = Number.isSafeInteger;

function isReadable(record: MarketRecord): boolean {
  switch (record.kind) {
    case 'trade':
      return whole(record.price) && whole(record.size) && record.size >= 0;
    case 'quote':
      return (
        whole(record.bid) &&
        whole(record.ask) &&
        whole(record.bidSize) &&
        whole(record.askSize) &&
        record.bidSize >= 0 &&
        record.askSize >= 0
      );
    case 'book_delta':
    case 'book_snapshot':
      return areLevels(record.bids) && areLevels(record.asks);
    case 'bar':
      return (
        finite(record.open) &&
        finite(record.high) &&
        finite(record.low) &&
        finite(record.close) &&
        finite(record.volume) &&
        record.volume >= 0
      );
    case 'funding':
      return finite(record.rate);
    case 'macro':
      return record.value === null || finite(record.value);
    case 'fundamental':
      return finite(record.value);
    case 'corporate_action':
      return isPositiveOrNull(record.ratio) && isPositiveOrNull(record.amount);
    case 'instrument':
      return record.nativeSymbol !== '';
  }
}

function areLevels(levels: readonly number[]): boolean {
  if (levels.length % 2 !== 0) return false;
  for (let i = 0; i < levels.length; i += 2) {
    if (!whole(levels[i]) || !whole(levels[i + 1]) || levels[i + 1]! < 0) return false;
  }
  return true;
}

function isPositiveOrNull(value: number | null): boolean {
  return value === null || (finite(value) && value > 0);
}
