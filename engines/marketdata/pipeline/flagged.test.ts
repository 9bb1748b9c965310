// Copies of records with other flags: everything else is as it was.
import { expect, test } from 'bun:test';
import type { MarketRecord } from '../../../src/market/records.ts';
import { flagged } from './flagged.ts';
import { ScriptedSource } from './test-source.ts';

const source = new ScriptedSource('a');
const texts = { tsEventText: '1700000000.0000005', tsReceiveText: '1700000000000000500', sequence: 7 };

const records: MarketRecord[] = [
  source.trade(1, 100, { ...texts, id: 'x' }),
  source.trade(1, 100, { side: null }),
  source.quote(1, 100, 101, texts),
  source.quote(1, 100, 101),
  source.bar(1, 5),
  source.delta(1, [100, 1], [], texts),
  source.snapshot(1, [100, 1], [101, 1]),
];

test.each(records.map((record): [string, MarketRecord] => [record.kind, record]))(
  'a %s with other flags has all else that it had, and is another one',
  (_, record) => {
    const before = structuredClone(record);
    expect(flagged(record, 5)).toEqual({ ...before, flags: 5 });
    expect(record).toEqual(before);
    expect(flagged(record, record.flags)).toBe(record);
  },
);
