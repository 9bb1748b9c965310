// Real files through the history: what comes out of it is what SQL makes of the same rows.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { adjustmentOf } from '../../../src/market/actions/adjust.ts';
import type { Trade } from '../../../src/market/records.ts';
import { sharedData } from '../../../test/shared-data.ts';
import { BinanceCapture } from '../files/binance-capture.ts';
import { importFile } from '../files/import-file.ts';
import { type BarView, barsOfView } from './bar-view.ts';
import { History } from './history.ts';

const bars = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');
const capture = sharedData('captures/binance-usdm-btcusdt-20240808.gz');
const missing = bars === null || capture === null ? ' (skipped: no ../shared/data)' : '';
const HOUR_US = 3600e6;
const MINUTE_US = 60e6;
/** A part of the capture is enough. */
const TRADES = 3000;

/** Bars by SQL of a relation with ts (microseconds), open, high, low, close, volume. */
const sql = (
  from: string,
  us: number,
) => `SELECT (ts // ${us} * ${us})::DOUBLE AS ts, arg_min(open, n) AS open, max(high) AS high, min(low) AS low,
  arg_max(close, n) AS close, sum(volume) AS volume FROM (${from}) GROUP BY 1 ORDER BY 1`;

describe.skipIf(bars === null || capture === null)(`the history of real data${missing}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'history-real-'));
  let history: History;
  let rival: DuckDBConnection;
  beforeAll(async () => {
    history = await History.open({ dataDir: folder, threads: 1 });
    rival = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
    await rival.run("SET TimeZone = 'UTC'");
  });
  afterAll(async () => {
    await history.close();
    rival.closeSync();
    rmSync(folder, { recursive: true, force: true });
  });

  async function view(of: Pick<BarView, 'symbol' | 'source' | 'intervalUs' | 'resampleUs' | 'made'>) {
    const raw = adjustmentOf('raw', [], () => null, { asOfUs: 0 });
    const found = [];
    const whole = { ...of, view: 'repaired', adjustment: 'raw', gaps: 'none' } as const;
    for await (const { tsEventUs: ts, open, high, low, close, volume } of barsOfView(history, whole, raw))
      found.push({ ts, open, high, low, close, volume });
    return found;
  }

  /** Sums are of other orders in SQL: volumes agree to 1e-12. */
  function same(ours: Awaited<ReturnType<typeof view>>, theirs: readonly unknown[]) {
    expect(ours.map(({ volume: _, ...rest }) => rest)).toEqual(
      (theirs as typeof ours).map(({ volume: _, ...rest }) => rest),
    );
    for (const [i, { volume }] of (theirs as typeof ours).entries())
      expect(Math.abs(ours[i]!.volume / volume - 1)).toBeLessThan(1e-12);
  }

  test('a month of one-minute bars becomes hours', async () => {
    const report = await importFile(bars!, { symbol: 'BTC-PERP' }, { history, maxBytes: 1e9 });
    expect(report).toMatchObject({ imported: 45_031, rejected: 0 });
    const rows = `SELECT epoch_us(timestamp) AS ts, row_number() OVER (ORDER BY timestamp) AS n, open, high, low, close, volume FROM read_csv('${bars}')`;
    const theirs = (await rival.runAndReadAll(sql(rows, HOUR_US))).getRowObjectsJS();
    const of = { symbol: 'BTC-PERP', source: 'file', intervalUs: MINUTE_US, resampleUs: HOUR_US };
    const ours = await view(of);
    expect(ours).toHaveLength(751);
    same(ours, theirs);
  });

  test('trades of a capture become bars, from partitions as from the table', async () => {
    const trades: Trade[] = [];
    const body = Bun.file(capture!).stream() as unknown as AsyncIterable<Uint8Array>;
    for await (const batch of new BinanceCapture({ maxBytes: 1e9 }).records(body)) {
      for (const record of batch) if (record.kind === 'trade') trades.push({ ...record, flags: 0 });
      if (trades.length >= TRADES) break;
    }
    trades.sort((a, b) => a.tsEventUs - b.tsEventUs || Number(a.id) - Number(b.id));
    await history.put(trades);
    const { symbol, source } = trades[0]!;
    const values = trades.map(
      ({ tsEventUs, price, size, scale }, n) =>
        `(${tsEventUs}, ${n}, ${price} / 1e${scale.price}::DOUBLE, ${size} / 1e${scale.size}::DOUBLE)`,
    );
    await rival.run(`CREATE TABLE trades AS FROM (VALUES ${values.join(', ')}) AS t(ts, n, price, size)`);
    const rows =
      'SELECT ts, n, price AS open, price AS high, price AS low, price AS close, size AS volume FROM trades';
    const theirs = (await rival.runAndReadAll(sql(rows, 1e6))).getRowObjectsJS();
    expect(theirs.length).toBeGreaterThan(20);
    const of = { symbol, source, intervalUs: 1e6, made: true };
    same(await view(of), theirs);
    await history.maintain(trades.at(-1)!.tsEventUs + 2 * 24 * HOUR_US);
    same(await view(of), theirs);
  });
});
