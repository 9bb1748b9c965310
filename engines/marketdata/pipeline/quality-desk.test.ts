// The gates that the pipeline opens: what is known of the numbers of a source is judged.
import { expect, test } from 'bun:test';
import { FLAGS } from '../../../src/market/flags.ts';
import type { Trade } from '../../../src/market/records.ts';
import { gateOf } from './quality-desk.ts';

const START = Date.UTC(2024, 7, 9) * 1000;

function trade(source: string, sequence: number): Trade {
  const tsEventUs = START + sequence * 1000;
  return {
    kind: 'trade',
    symbol: 'BTC-USDT',
    source,
    tsEventUs,
    tsReceiveUs: tsEventUs + 500,
    sequence,
    flags: 0,
    scale: { price: 2, size: 3 },
    price: 6_180_020 + sequence,
    size: 5,
    side: 'buy',
    id: String(sequence),
  };
}

test.each([
  ['binance', FLAGS.gap.bit],
  ['binance-usdm', FLAGS.gap.bit],
  ['coinbase', 0],
])(
  'a trade of %s that others are missing before is flagged where trades are numbered by one',
  (source, flag) => {
    const gate = gateOf(trade(source, 1));
    const check = (sequence: number) =>
      gate.check(trade(source, sequence), trade(source, sequence).tsReceiveUs);
    expect([1, 2, 3].map(check)).toEqual([0, 0, 0]);
    expect(check(5)).toBe(flag);
    expect(check(6)).toBe(0);
  },
);
