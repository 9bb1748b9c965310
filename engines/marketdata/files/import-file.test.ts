// Imports of files: real captures whole and with every kind of damage, real tables, hostile files, kill -9 in the middle.
import { afterAll, describe, expect, test } from 'bun:test';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { FLAG_NAMES, type FlagName } from '../../../src/market/flags.ts';
import { sharedData } from '../../../test/shared-data.ts';
import { captureLines, capturePath, gzipLines } from '../../../test/support/captures.ts';
import { leanDaily } from '../../../test/support/market-files.ts';
import { zipOf } from '../../../test/support/zip.ts';
import { History } from '../history/history.ts';
import { type ImportSpec, importFile } from './import-file.ts';
import { MAX_SERIES } from './intake.ts';
import { fileImportReport, type ImportReport } from './schemas.ts';

const folder = mkdtempSync(join(tmpdir(), 'import-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

function file(content: string | Uint8Array): string {
  const path = join(folder, `file-${count++}`);
  writeFileSync(path, content);
  return path;
}

async function dry(path: string, spec: ImportSpec = {}, maxBytes = 1e8): Promise<ImportReport> {
  const report = await importFile(path, spec, { history: null, maxBytes });
  expect(fileImportReport.parse(report)).toEqual(report);
  expect(report.records).toBe(report.imported + report.rejected);
  return report;
}

/** Flags that were found, without those of 0. */
function found(report: ImportReport): Partial<Record<FlagName, number>> {
  expect(Object.keys(report.quality)).toEqual(FLAG_NAMES);
  return Object.fromEntries(Object.entries(report.quality).filter(([, n]) => n > 0));
}

async function stored(work: (history: History) => Promise<void>): Promise<void> {
  const history = await History.open({ dataDir: join(folder, `data-${count++}`), threads: 1 });
  try {
    await work(history);
  } finally {
    await history.close();
  }
}

async function rowsOf(history: History, table: string): Promise<number> {
  const [row] = await history.database.rows(`SELECT count(*)::DOUBLE AS n FROM ${table}`);
  return row!['n'] as number;
}

for (const [name, lines, deltas] of [
  ['futures', 93_954, 6551],
  ['spot', 41_249, 3451],
] as const) {
  test.skipIf(capturePath(name) === null)(
    `the ${name} capture has no fault but the clock of its receiver`,
    async () => {
      const report = await dry(capturePath(name)!);
      expect(report).toMatchObject({
        format: 'binance-capture',
        rows: lines,
        imported: lines,
        rejected: 0,
        truncated: false,
      });
      expect(Object.keys(found(report))).toEqual(['clock_offset']);
      expect(report.books).toMatchObject({
        snapshots: 1,
        resyncs: 0,
        states: [{ symbol: 'BTCUSDT', state: 'live' }],
      });
      expect(report.series.find((s) => s.kind === 'book_delta')!.records).toBe(deltas);
    },
  );
}

for (const name of ['futures', 'spot'] as const) {
  describe(`a capture of ${name} with`, async () => {
    const lines = (await captureLines(name, 6000)) ?? [];
    const clock = lines.length > 0 ? (await dry(file(gzipLines(lines)))).quality.clock_offset : 0;
    /** The place of a line in the middle that has a text, far behind the snapshot. */
    const place = (text: string) => lines.findIndex((line, i) => i > 4000 && line.includes(text));
    const changed = (from: number, remove: number, ...instead: string[]) => {
      const copy = [...lines];
      copy.splice(from, remove, ...instead);
      return dry(file(gzipLines(copy)));
    };
    const but = (report: ImportReport) => {
      const { clock_offset, ...others } = found(report);
      expect(Math.abs(clock_offset! - clock)).toBeLessThanOrEqual(2);
      return others;
    };
    const need = test.skipIf(lines.length === 0);

    need('the clock of its recorder behind tells by how much', async () => {
      const { series } = await dry(file(gzipLines(lines)));
      // The recorder of both was 1.27 s behind: its times less those of the venue, in the lines themselves.
      const ways = lines.flatMap((line) => {
        const { e, T } = JSON.parse(line.slice(line.indexOf(' '))).data ?? {};
        return e === 'trade' ? [Math.floor(Number(line.slice(0, 16))) - T * 1000] : [];
      });
      const trades = series.find((s) => s.kind === 'trade')!;
      expect(trades.shortest_way_us).toBe(ways.reduce((a, b) => Math.min(a, b)));
      expect(trades.shortest_way_us).toBeWithin(-1_280_000, -1_260_000);
    });

    need('a change of the book deleted has a gap, and its book needs a snapshot', async () => {
      const report = await changed(place('@depth'), 1);
      expect([but(report), report.rejected, report.books.resyncs]).toEqual([{ gap: 1 }, 0, 1]);
      // What follows is not served as good without proof by quotes of the venue.
      expect(report.books.states[0]!.snapshots).toBe(1);
    });

    need('a trade deleted has a gap, and its book none', async () => {
      const report = await changed(place('@trade'), 1);
      expect([but(report), report.books.resyncs]).toEqual([{ gap: 1 }, 0]);
    });

    for (const text of ['@depth', '@trade', '@bookTicker']) {
      need(`a line of ${text} doubled has one duplicate, which is kept out`, async () => {
        const at = place(text);
        const report = await changed(at, 0, lines[at]!);
        expect([but(report), report.rejected, report.imported, report.books.resyncs]).toEqual([
          { duplicate: 1 },
          1,
          6000,
          0,
        ]);
        expect(report.errors).toEqual([{ line: at + 2, reason: 'duplicate' }]);
      });
    }

    for (const text of ['@depth', '@trade']) {
      need(
        `two lines of ${text} swapped has one out of order, and a book that is whole again by itself`,
        async () => {
          const at = place(text);
          const next = lines.findIndex((line, i) => i > at && line.includes(text));
          const copy = [...lines];
          [copy[at], copy[next]] = [copy[next]!, copy[at]!];
          const report = await dry(file(gzipLines(copy)));
          expect(but(report)).toMatchObject({ out_of_order: 1 });
          expect([
            report.imported,
            report.rejected,
            report.books.resyncs,
            report.books.states[0]!.state,
          ]).toEqual([6000, 0, 0, 'live']);
        },
      );
    }

    need('a line cut in its middle has one that is malformed', async () => {
      const at = place('@bookTicker');
      const report = await changed(at, 1, lines[at]!.slice(0, 60));
      expect([but(report), report.imported, report.rejected]).toEqual([{ malformed: 1 }, 5999, 1]);
      expect(report.errors[0]!.line).toBe(at + 1);
    });

    need(
      'bytes changed has lines that are malformed, and the book tells when one of them was its own',
      async () => {
        const at = place('@depth');
        const report = await changed(at, 1, lines[at]!.replace('"U":', '"U"\u0000'));
        expect([but(report), report.rejected, report.books.resyncs]).toEqual([
          { gap: 1, malformed: 1 },
          1,
          1,
        ]);
      },
    );

    need('a gzip that ends too early is read up to there, and the damage is counted', async () => {
      const zip = gzipLines(lines);
      const report = await dry(file(zip.subarray(0, zip.length >> 1)));
      expect(report.truncated).toBe(true);
      expect(report.rejected).toBe(report.quality.malformed);
      // The line in which it ends, and the end itself.
      expect([1, 2]).toContain(report.rejected);
      expect(report.imported).toBeGreaterThan(2000);
      expect(report.imported).toBeLessThan(4000);
    });
  });
}

const futures = await captureLines('futures', 6000);

test.skipIf(futures === null)(
  'a capture is stored once, whole and exactly, and once more only where that replaces',
  async () => {
    const path = file(gzipLines(futures!));
    await stored(async (history) => {
      const first = await importFile(path, {}, { history, maxBytes: 1e8 });
      const { processing_time_ms: _, dry_run: __, ...counts } = await dry(path);
      expect(first).toMatchObject(counts);
      expect(first.already_stored).toBe(0);
      const tables = ['trades', 'quotes', 'book_deltas', 'book_snapshots'];
      const sum = async () =>
        (await Promise.all(tables.map((t) => rowsOf(history, t)))).reduce((a, b) => a + b);
      expect(await sum()).toBe(6000);
      const again = await importFile(path, {}, { history, maxBytes: 1e8 });
      expect([again.imported, again.already_stored, await sum()]).toEqual([6000, 6000, 6000]);
    });
  },
);

test('a capture of more instruments than a venue has is refused from there on, and its memory is bounded', async () => {
  const at = '1723161255088176367 ';
  const line = (symbol: number) =>
    `${at}{"stream":"x","data":{"u":3,"s":"S${symbol}","b":"1","B":"2","a":"3","A":"4"}}`;
  const report = await dry(file(Array.from({ length: MAX_SERIES + 5 }, (_, i) => line(i)).join('\n')));
  expect([report.imported, report.rejected, report.series_total]).toEqual([MAX_SERIES, 5, MAX_SERIES]);
  expect(report.reasons).toEqual({ [`more than ${MAX_SERIES} series`]: 5 });
});

describe('a table', () => {
  const bars = [
    'time,open,high,low,close,volume',
    ...[0, 1, 2, 4].map((i) => `${1_600_000_000 + i * 60},10,12,9,11,${i}`),
  ];

  test('of trades is judged by the calendar that is given, and by none that its bars tell', async () => {
    // Friday at 15:59:59 and 16:00 of New York, Saturday.
    const times = ['2024-01-05T20:59:59Z', '2024-01-05T21:00:00Z', '2024-01-06T12:00:00Z'];
    const text = ['time,price,size', ...times.map((time) => `${time},1,1`)].join('\n');
    const judged = async (calendar?: string) => {
      const { series, quality } = await dry(file(text), { symbol: 'X', ...(calendar && { calendar }) });
      return [series[0]!.calendar, quality.outside_session];
    };
    expect(await judged('us-equities')).toEqual(['us-equities', 2]);
    expect(await judged('us-equities-extended')).toEqual(['us-equities-extended', 1]);
    expect(await judged()).toEqual([null, 0]);
  });

  test('of bars is judged by the gate and the calendar, and bad rows are kept out with their lines', async () => {
    const text = [
      ...bars,
      '1600000300,10,9,12,11,1',
      '1600000060,10,12,9,11,1',
      'soon,1,1,1,1,1',
      '1600000360,10,12,9,11',
    ].join('\n');
    const report = await dry(file(text), { symbol: 'X', calendar: '24x7' });
    expect(report).toMatchObject({ format: 'csv', rows: 8, imported: 4, rejected: 4 });
    expect(found(report)).toEqual({
      gap: 1,
      duplicate: 1,
      ohlc_inconsistent: 1,
      zero_volume: 1,
      malformed: 2,
    });
    expect(report.errors.map((e) => e.line)).toEqual([6, 7, 8, 9]);
    expect(report.series).toMatchObject([{ kind: 'bar', symbol: 'X', interval_us: 60e6, calendar: '24x7' }]);
  });

  test('of bars without volumes have none that is 0: only what a file says can be wrong', async () => {
    const text = bars.map((line) => line.split(',').slice(0, 5).join()).join('\n');
    const report = await dry(file(text), { symbol: 'INDEX', calendar: '24x7' });
    expect(report).toMatchObject({ imported: 4, rejected: 0, quality: { zero_volume: 0 } });
  });

  test('of bars replaces stored ones when it comes again', async () => {
    await stored(async (history) => {
      const path = file(bars.join('\n'));
      const parts = { history, maxBytes: 1e6 };
      expect(await importFile(path, { symbol: 'X' }, parts)).toMatchObject({ imported: 4, replaced: 0 });
      expect(await importFile(path, { symbol: 'X' }, parts)).toMatchObject({
        imported: 4,
        replaced: 4,
        already_stored: 0,
      });
      expect(await rowsOf(history, 'bars')).toBe(4);
    });
  });

  test('that grows while it is imported is taken as it was at the beginning', async () => {
    const quotes = (from: number) =>
      Array.from({ length: 100 }, (_, i) => `${1_600_000_000 + from + i},1,2\n`).join('');
    const path = file(`time,bid,ask\n${quotes(0)}`);
    let grown = false;
    const progress = () => {
      if (!grown) appendFileSync(path, quotes(100));
      grown = true;
    };
    await stored(async (history) => {
      const report = await importFile(path, { symbol: 'X' }, { history, maxBytes: 1e6, progress });
      expect([grown, report.imported, await rowsOf(history, 'quotes')]).toEqual([true, 100, 100]);
    });
    await expect(dry(join(folder, 'none'))).rejects.toThrow('gone');
  });

  test('has nothing stored when it is refused at its end', async () => {
    await stored(async (history) => {
      const rows = Array.from({ length: 60_000 }, (_, i) => `${1_600_000_000 + i},1.5,2`);
      const zip = gzipSync(['time,price,size', ...rows].join('\n'));
      const parts = { history, maxBytes: 1e7 };
      for (const bad of [
        zip.subarray(0, zip.length - 5),
        gzipSync(['time,price,size', ...rows, 'x'.repeat(70_000)].join('\n')),
      ])
        await expect(importFile(file(bad), { symbol: 'X' }, parts)).rejects.toThrow('Expected');
      expect([await rowsOf(history, 'trades'), await rowsOf(history, 'imports')]).toEqual([0, 0]);
    });
  });

  test('has no row of a time that has not come yet', async () => {
    const report = await dry(file('time,price,size\n1600000000,1,1\n2200-01-01,1,1\n2999-01-01,1,1\n'), {
      symbol: 'X',
    });
    expect([report.imported, report.errors]).toEqual([
      1,
      [3, 4].map((line) => ({ line, reason: 'bad_timestamp' })),
    ]);
    expect(report.series[0]).toMatchObject({
      rejected: 2,
      flags: { bad_timestamp: 2 },
      last_ts_us: 1_600_000_000_000_000,
    });
  });

  test('has no rows of the simulated market', async () => {
    const report = await dry(file('time,symbol,price,size\n1600000000,SIM-BTC,1,1\n1600000000,OTHER,1,1'));
    expect([report.imported, report.errors]).toEqual([
      1,
      [{ line: 2, reason: 'symbol of the simulated market' }],
    ]);
    await expect(dry(file('x'), { symbol: 'SIM-BTC' })).rejects.toThrow('simulated market');
  });

  test('is refused where it is hostile, with the reason', async () => {
    const bomb = gzipSync(Buffer.alloc(32 * 2 ** 20, 'x'));
    const cases: [string | Uint8Array, ImportSpec, number, string][] = [
      [bomb, {}, 1e8, 'longer than 65536 bytes'],
      [
        gzipSync(Buffer.alloc(4e7, `1,${'2'.repeat(9000)}\n`)),
        { kind: 'trade', symbol: 'X' },
        1e8,
        '200 times its size',
      ],
      ['x'.repeat(5000), {}, 1000, 'at most 1000 bytes'],
      ['', {}, 1e6, 'was empty'],
      ['PK\x03\x04aaaa', {}, 1e6, 'intact zip'],
      [zipOf(gzipSync('time,price,size')), {}, 1e6, 'CSV, Parquet, Arrow'],
      [zipOf(Buffer.from('PAR1')), {}, 1e6, 'compressed within'],
      [
        zipOf(Buffer.from('34200000,1,1,1,1,1'), { name: '20131007_spy_minute_trade.csv' }),
        {},
        1e6,
        'since midnight',
      ],
      ['PAR1 and no more', {}, 1e6, 'readable Parquet'],
      [gzipSync('PAR1'), {}, 1e6, 'compressed within'],
      ['a,b\n', { format: 'parquet' }, 1e6, 'format parquet'],
      ['\0\0\0', {}, 1e6, 'CSV, Parquet, Arrow'],
      ['time,price,size\n', { symbol: 'X', time_zone: 'Nowhere' }, 1e6, 'IANA'],
    ];
    for (const [content, spec, maxBytes, reason] of cases)
      await expect(dry(file(content), spec, maxBytes)).rejects.toThrow(reason);
  });
});

for (const [name, spec, expected] of [
  ['eurusd-quotes-2020-01-01.csv.gz', { symbol: 'EUR/USD', time_zone: '-05:00' }, { imported: 9500 }],
  ['usdjpy-quotes-truefx.csv.gz', { symbol: 'USD/JPY' }, { imported: 1000 }],
  ['btc-perp-1min-ohlcv-2022-01.csv.gz', { symbol: 'BTC-PERP' }, { imported: 45_031 }],
  ['crypto-10-pairs-5min-ohlcv-2018-01.csv.gz', {}, { imported: 57_546 }],
  ['sp500-daily-ohlcv-2000-2020.csv.gz', { symbol: 'SPX', calendar: 'us-equities' }, { imported: 5105 }],
  ['nvda-1999-2014-daily-ohlcv.csv.gz', { symbol: 'NVDA', calendar: 'us-equities' }, { rejected: 0 }],
  ['orcl-1995-2014-daily-ohlcv.csv.gz', { symbol: 'ORCL', calendar: 'us-equities' }, { rejected: 0 }],
  ['yhoo-1996-2014-daily-ohlcv.csv.gz', { symbol: 'YHOO', calendar: 'us-equities' }, { rejected: 0 }],
  // An index: its opens of early years lie outside of low to high, as a plain count of the file says too.
  ['vix-daily.csv.gz', { symbol: 'VIX' }, { records: 9235, rejected: 47 }],
] as const) {
  const path = sharedData(name);
  test.skipIf(path === null)(`the real file ${name} is taken whole`, async () => {
    const report = await dry(path!, spec);
    expect(report).toMatchObject({ rejected: 0, ...expected });
    if (name.startsWith('crypto')) {
      expect(report.series.map((s) => s.calendar)).toEqual(Array(10).fill('24x7'));
      expect(report.quality.gap).toBeGreaterThan(10);
    } else expect(report.quality.gap).toBe(0);
  });
}

const spy = leanDaily('spy');
test.skipIf(spy === null)(
  'a zip of LEAN is taken whole, with prices that are written without their decimals',
  async () => {
    const spec = { symbol: 'SPY', price_decimals: 4, time_zone: 'America/New_York', calendar: 'us-equities' };
    await stored(async (history) => {
      const report = await importFile(sharedData('lean/daily/spy.zip')!, spec, { history, maxBytes: 1e7 });
      expect(report).toMatchObject({ format: 'csv', records: spy!.length, rejected: 0 });
      const range = { symbol: 'SPY', intervalUs: 86_400e6, limit: 10_000, newest: true };
      const { open, high, low, close, volume } = await history.bars.read(range);
      expect(spy!.map((_, i) => [open[i], high[i], low[i], close[i], volume[i]])).toEqual(
        spy!.map((row) => [row.open, row.high, row.low, row.close, row.volume]),
      );
    });
  },
);

test('an import that is killed in its middle goes on from there, with every record once', async () => {
  const dataDir = join(folder, 'killed');
  // Quotes have no ids: nothing but the note of the import tells which are stored.
  const rows = Array.from({ length: 120_000 }, (_, i) => `${1_600_000_000_000_000 + i},1.5,1.6`);
  const path = file(['time,bid,ask', ...rows].join('\n'));
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'test-killed-import.ts'), dataDir, path], {
    stdout: 'ignore',
    stderr: 'inherit',
  });
  await child.exited;
  expect(child.signalCode).toBe('SIGKILL');
  const history = await History.open({ dataDir, threads: 1 });
  try {
    expect(await rowsOf(history, 'quotes')).toBe(50_000);
    const report = await importFile(path, { symbol: 'X' }, { history, maxBytes: 1e8 });
    expect([report.imported, report.already_stored, await rowsOf(history, 'quotes')]).toEqual([
      120_000, 50_000, 120_000,
    ]);
    const [row] = await history.database.rows('SELECT count(DISTINCT ts_event_us)::DOUBLE AS n FROM quotes');
    expect(row!['n']).toBe(120_000);
  } finally {
    await history.close();
  }
});
