// The checksum of Kraken's books: CRC32 over the ten best levels of each side as their digits are printed.
import { crc32 } from 'node:zlib';
import type { BookSide } from './side.ts';

const LEVELS = 10;

/**
 * Returns the checksum of a book as Kraken computes it for its WebSocket v2 (https://docs.kraken.com/api/docs/guides/spot-ws-book-v2): the
 * ten best asks, then the ten best bids, each level as price and quantity without the point and without leading zeros. With integers of the
 * instrument's own precision those digits are the integers.
 */
export function krakenChecksum(bids: BookSide, asks: BookSide): number {
  return crc32(digits(asks) + digits(bids));
}

function digits(side: BookSide): string {
  let text = '';
  for (let rank = 0; rank < LEVELS && rank < side.length; rank++)
    text += `${side.price(rank)}${side.size(rank)}`;
  return text;
}
