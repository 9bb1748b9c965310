// What the history serves as a file comes back by an import as it was: exact prices, ids, times finer than microseconds.
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Quote, Trade } from '../../../src/market/records.ts';
import { History } from '../history/history.ts';
import { ticks } from '../history/requests.ts';
import { trades } from '../history/test-records.ts';
import { importFile } from './import-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'round-trip-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// As venues and recorders write them: ISO with nanoseconds, seconds with seven decimals, nanoseconds since 1970.
const list: Trade[] = trades(30).map((trade, i) => ({
  ...trade,
  tsEventText: [
    new Date(trade.tsEventUs / 1000).toISOString().replace('Z', '000123Z'),
    String(trade.tsEventUs).replace(/^(\d{10})(\d{6})$/, '$1.$21'),
    undefined,
  ][i % 3],
  tsReceiveText: i % 2 === 0 ? `${trade.tsReceiveUs}456` : undefined,
}));
const quotes: Quote[] = list.map(({ price, size, side: _, id: __, ...stamped }) => {
  const sides = { bid: price, bidSize: size, ask: price + 1, askSize: size };
  return { ...stamped, kind: 'quote', ...sides };
});

async function read(history: History, kind: 'trade' | 'quote'): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const batch of history.records({ kind, symbol: 'BTC-USD', view: 'raw' })) all.push(...batch);
  return all;
}

test('over CSV, Arrow and Parquet', async () => {
  const history = await History.open({ dataDir: join(folder, 'from'), threads: 1 });
  await history.put([...list, ...quotes]);
  const parquet = join(folder, 'trade.parquet');
  await history.database.rows(
    `COPY (SELECT ts_event_us, ts_receive_us, ts_event_text, ts_receive_text, sequence, (price / 100)::DECIMAL(18, 2) AS price,
       (size / 1e8)::DECIMAL(18, 8) AS size, CASE WHEN side > 0 THEN 'buy' ELSE 'sell' END AS side, id_number AS id FROM trades) TO '${parquet}' (FORMAT parquet)`,
  );
  const files: [string, 'csv' | 'arrow' | 'parquet', 'trade' | 'quote'][] = [[parquet, 'parquet', 'trade']];
  for (const kind of ['trade', 'quote'] as const)
    for (const format of ['csv', 'arrow'] as const) {
      const query = { view: 'raw' } as const;
      const reply = await ticks(history, kind, 'BTC-USD', query, format, new AbortController().signal);
      const path = join(folder, `${kind}.${format}`);
      writeFileSync(path, new Uint8Array(await reply.arrayBuffer()));
      files.push([path, format, kind]);
    }
  await history.close();
  for (const [path, format, kind] of files) {
    const to = await History.open({ dataDir: `${path}-store`, threads: 1 });
    const spec = { format, kind, symbol: 'BTC-USD', source: 'binance' };
    const report = await importFile(path, spec, { history: to, maxBytes: 1e8 });
    expect(report).toMatchObject({ imported: 30, rejected: 0 });
    expect(await read(to, kind)).toEqual(kind === 'trade' ? list : quotes);
    await to.close();
  }
});

test('a finer text of another moment is refused by its reason', async () => {
  const path = join(folder, 'differ.csv');
  const us = list[0]!.tsEventUs;
  const rows = [`${us},1,1,${us}123,`, `${us},1,1,${us + 1}123,`, `${us},1,1,,soon`];
  writeFileSync(path, `ts_event_us,price,size,ts_event_text,ts_receive_text\n${rows.join('\n')}\n`);
  const report = await importFile(path, { symbol: 'X' }, { history: null, maxBytes: 1e8 });
  expect(report).toMatchObject({ imported: 1, reasons: { 'time and its finer text differ': 2 } });
});
