// Closed days in Parquet: the same records as before, whatever happens on the way.
import { afterAll, afterEach, describe, expect, test } from 'bun:test';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { StorageUnavailableError } from '../../../src/core/errors.ts';
import { FLAGS } from '../../../src/market/flags.ts';
import type { Trade } from '../../../src/market/records.ts';
import { History } from './history.ts';
import { type ReadQuery, readBatches } from './reader.ts';
import { samples, trades } from './test-records.ts';

const DAY_US = 86_400e6;
const START_US = 1_723_075_200_000_000;
const LATER_US = START_US + 60 * DAY_US;

describe('partitions', () => {
  const folder = mkdtempSync(join(tmpdir(), 'partitions-'));
  let open: History | undefined;
  let count = 0;

  async function history(
    name = `h${count++}`,
    options: { keepDays?: { trade: number } } = {},
  ): Promise<History> {
    await open?.close();
    open = await History.open({ dataDir: join(folder, name), threads: 1, ...options });
    return open;
  }

  afterEach(async () => {
    await open?.close();
    open = undefined;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const files = (name: string) =>
    readdirSync(join(folder, name, 'history', 'partitions'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));

  async function read(
    h: History,
    query: Partial<Pick<ReadQuery, 'fromUs' | 'toUs' | 'newest' | 'limit' | 'after'>> = {},
  ) {
    const all: Trade[] = [];
    for await (const batch of h.records({ kind: 'trade', symbol: 'BTC-USD', ...query })) all.push(...batch);
    return all;
  }

  const days = (n: number) =>
    Array.from({ length: n }, (_, d) => trades(300, START_US + d * DAY_US, d * 1000)).flat();

  test('hold the same records in the same order, in ranges, pages and as of a time', async () => {
    const h = await history('same');
    const list = days(3);
    await h.put(list);
    await h.put(samples());
    const before = await read(h);
    expect(await h.maintain(START_US + 2 * DAY_US + 3600e6)).toMatchObject({ rolledRows: 604 });
    await h.put(trades(5, START_US + 100_000, 90_000));
    const again = await history('same');
    const after = await read(again);
    expect(after.filter((t) => Number(t.id) < 90_000 || t.id === 'x-1')).toEqual(before);
    expect(after).toHaveLength(before.length + 5);
    const toUs = START_US + DAY_US + 100_000;
    expect(await read(again, { fromUs: START_US + DAY_US, toUs })).toEqual(list.slice(300, 401));
    expect(await read(again, { newest: true, limit: 310 })).toEqual(list.slice(-310));
    const at = { kind: 'trade', symbol: 'BTC-USD', atUs: START_US + DAY_US - 1 } as const;
    expect(await again.recordAt(at)).toEqual(list[299]!);
  });

  test('of days before 1970 are cut at midnight, and read like those behind', async () => {
    const h = await history('early');
    const hours = [-24 * 3600e6 - 1, -24 * 3600e6, -1.5 * 3600e6, -1, 0, 3600e6 - 1];
    const list = hours.map((us, i) => ({ ...trades(1, us, i)[0]!, tsReceiveUs: START_US }));
    await h.put(list);
    const at = { kind: 'trade', symbol: 'BTC-USD', atUs: -2 } as const;
    for (const rolled of [false, true]) {
      if (rolled) expect(await h.maintain(2 * DAY_US)).toMatchObject({ rolled: 3, merged: 2 });
      expect(await read(h)).toEqual(list);
      expect(await read(h, { newest: true, limit: 4 })).toEqual(list.slice(2));
      expect(await read(h, { toUs: -1, limit: 2 })).toEqual(list.slice(0, 2));
      expect(await h.recordAt(at)).toEqual(list[2]!);
    }
    const months = files('early').map((file) => basename(file).slice(0, 7));
    expect(months.sort()).toEqual(['1969-12', '1970-01']);
  });

  test('are read in slices of any size with the same result, also where one second has more than a slice', async () => {
    const h = await history();
    // An hour apart, a minute apart, a second apart, and all at once; the last day stays in the table.
    const list = [3600e6, 60e6, 1e6, 1, 24 * 3600e6].flatMap((us, i) =>
      Array.from({ length: 8 }, (_, k) => trades(1, START_US + i * DAY_US + k * us, i * 1000 + k)[0]!),
    );
    list.sort((a, b) => a.tsEventUs - b.tsEventUs || Number(a.id) - Number(b.id));
    await h.put(list);
    await h.maintain(START_US + 20 * DAY_US);
    const columns = ['ts_event_us', 'id_number'];
    for (const [rows, limit] of [
      [3, undefined],
      [5, 100_001],
    ]) {
      const ids: number[] = [];
      const query = {
        kind: 'trade',
        symbol: 'BTC-USD',
        columns,
        limit,
        newest: limit !== undefined,
      } as const;
      for await (const batch of readBatches(h.database, query, rows! * 3))
        ids.push(...(batch.columns['id_number'] as Float64Array));
      expect(ids).toEqual(list.map((t) => Number(t.id)));
    }
  });

  test('know their trades: one that comes again is stored nowhere', async () => {
    const h = await history();
    await h.put(days(2));
    await h.maintain(LATER_US);
    expect(await h.put([...days(2), ...trades(1, START_US + 5, 777_777)])).toMatchObject({
      stored: 1,
      duplicates: 600,
    });
  });

  test('of a closed month become one, and readers of the old ones go on', async () => {
    const h = await history('merge');
    const list = days(4);
    await h.put(list);
    const slow = h.records({ kind: 'trade', symbol: 'BTC-USD' });
    const first = (await slow.next()).value!;
    // The month is not over: one file for each day.
    expect(await h.maintain(START_US + 5 * DAY_US)).toMatchObject({ rolled: 4, merged: 0 });
    const held = h.records({ kind: 'trade', symbol: 'BTC-USD' });
    const firstOfFiles = (await held.next()).value!;
    expect(await h.maintain(LATER_US)).toMatchObject({ rolled: 0, merged: 4 });
    for (const [started, reader] of [
      [first, slow],
      [firstOfFiles, held],
    ] as const) {
      const rest: Trade[] = [...started];
      for await (const batch of reader) rest.push(...batch);
      expect(rest).toEqual(list);
    }
    expect(files('merge')).toHaveLength(1);
    expect(await read(h)).toEqual(list);
  });

  test('that are too old go, with the rows of the table', async () => {
    const h = await history('old', { keepDays: { trade: 2 } });
    await h.put(days(4));
    const bad = { flags: FLAGS.malformed.bit, symbol: 'BAD' };
    await h.put([0, 3].map((day) => ({ ...trades(1, START_US + day * DAY_US)[0]!, ...bad })));
    expect(await h.quarantine()).toHaveLength(2);
    // The first day goes as rows of the table, the second one as a partition.
    expect(await h.maintain(START_US + 3 * DAY_US)).toMatchObject({ expiredRows: 301, rolled: 1 });
    expect(await h.quarantine()).toHaveLength(1);
    expect(await read(h)).toHaveLength(900);
    expect(await h.maintain(START_US + 3.5 * DAY_US)).toMatchObject({ expiredRows: 300 });
    expect(files('old')).toHaveLength(1);
  });

  test('that are missing, torn, changed or unreadable are reported, and never skipped in silence', async () => {
    let h = await history('damage');
    await h.put(days(2));
    await h.maintain(START_US + 3 * DAY_US);
    const [first] = files('damage').sort();
    const bytes = readFileSync(first!);
    truncateSync(first!, bytes.length - 1);
    await expect(read(h)).rejects.toThrow(StorageUnavailableError);
    await expect(read(h)).rejects.toThrow('torn');
    // Other days are not touched by it.
    expect(await read(h, { fromUs: START_US + DAY_US })).toHaveLength(300);
    const after = { tsUs: START_US + DAY_US, ordinal: 0 };
    expect(await read(h, { after, limit: 500 })).toHaveLength(300);
    h = await history('damage');
    expect(h.roller.integrity.damaged).toMatchObject([
      { reason: 'torn', partition: { period: '2024-08-08' } },
    ]);
    rmSync(first!);
    await expect(read(h)).rejects.toThrow('missing');
    const whole = Uint8Array.from(bytes);
    bytes[100]! ^= 0xff;
    writeFileSync(first!, bytes);
    // Nobody has read it yet; one file in a round, those that were read last come last.
    const { integrity } = h.roller;
    expect(await integrity.look()).toHaveLength(2);
    expect(integrity.damaged).toEqual([]);
    const rounds = [await integrity.verify(1), await integrity.verify(1)];
    expect(rounds.at(-1)).toMatchObject([{ reason: 'changed', partition: { period: '2024-08-08' } }]);
    await expect(read(h)).rejects.toThrow('changed');
    await integrity.look();
    expect(integrity.damaged).toHaveLength(1);
    // One that cannot be read is told like any other, and keeps nobody from those behind it.
    rmSync(first!);
    mkdirSync(first!);
    await h.database.writer.run(
      `UPDATE partitions SET bytes = ${statSync(first!).size} WHERE period = '2024-08-08'`,
    );
    await expect(integrity.verify()).resolves.toMatchObject([{ reason: 'unreadable' }]);
    await expect(read(h)).rejects.toThrow('unreadable');
    rmSync(first!, { recursive: true });
    await h.database.writer.run(`UPDATE partitions SET bytes = ${whole.length} WHERE period = '2024-08-08'`);
    writeFileSync(first!, whole);
    expect(await integrity.verify(1)).toEqual([]);
    expect(await read(h)).toHaveLength(600);
    writeFileSync(first!, bytes);
    // Damaged files are not merged into good ones.
    expect(await h.maintain(LATER_US)).toMatchObject({ merged: 0 });
  });

  test('of symbols of any characters stay within their folder', async () => {
    const h = await history('names');
    const symbols = ['..', '.', '../../x', "a'b", 'BTC/USD', '%2E', 'é\n'];
    await h.put(symbols.flatMap((symbol) => trades(3).map((t) => ({ ...t, symbol }))));
    await h.maintain(LATER_US);
    expect(files('names')).toHaveLength(symbols.length);
    for (const symbol of symbols) {
      const [batch] = await Array.fromAsync(h.records({ kind: 'trade', symbol }));
      expect(batch).toHaveLength(3);
    }
  });

  test.each([
    ['before commit', 2],
    ['after commit', 2],
    ['partition written', 1],
    ['partition renamed', 2],
    ['manifest written', 1],
    ['partition committed', 1],
    // The third partition is the one that the files of the month are merged into.
    ['partition renamed', 3],
    ['manifest written', 3],
    ['partition committed', 3],
  ])('survive kill -9 %s (%d): no acknowledged row is lost, none is there twice', async (point, nth) => {
    const name = `kill-${count++}`;
    const child = Bun.spawn(
      [process.execPath, join(import.meta.dir, 'test-child.ts'), join(folder, name), point, String(nth)],
      { stdout: 'pipe', stderr: 'inherit' },
    );
    const told = (await new Response(child.stdout).text()).trim().split('\n').filter(Boolean);
    await child.exited;
    expect(child.signalCode).toBe('SIGKILL');
    // A file that a killed process left half written is in no manifest.
    const strays = join(folder, name, 'history', 'partitions', 'trades');
    mkdirSync(strays, { recursive: true });
    appendFileSync(join(strays, 'stray.parquet'), 'PAR1');
    const h = await history(name);
    const acknowledged = told.reduce((sum, line) => sum + Number(line), 0);
    const ids = (await read(h)).map((t) => t.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(acknowledged);
    expect(ids.length % 2000).toBe(0);
    expect(h.roller.integrity.damaged).toEqual([]);
    // It goes on where it stood: all of it again adds what was missing, and nothing twice.
    for (let put = 0; put < 3; put++)
      await h.put(trades(2000, START_US + (put % 2) * DAY_US + put * 1e9, put * 10_000));
    await h.maintain(LATER_US);
    expect(await read(h)).toHaveLength(6000);
    expect(files(name)).toHaveLength(1);
    expect(files(name)[0]).toEndWith('.parquet');
  });
});
