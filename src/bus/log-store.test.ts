// The hub's log file passes the suite of all logs, outlives restarts, and survives what happens to files.
import { Database } from 'bun:sqlite';
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { StorageUnavailableError } from '../core/errors.ts';
import type { StreamId } from './event-log.ts';
import { logConformance } from './log-conformance.ts';
import { LogStore, type LogStoreOptions } from './log-store.ts';
import { FOREVER } from './retention.ts';

const folders: string[] = [];
const freshPath = () => {
  const folder = mkdtempSync(join(tmpdir(), 'log-'));
  folders.push(folder);
  return join(folder, 'log.sqlite');
};
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

logConformance('SQLite', async () => {
  const store = new LogStore({ path: freshPath() });
  return { connect: async () => store.connect(), close: () => store.close() };
});

describe('log store', () => {
  const stores: LogStore[] = [];
  afterEach(() => {
    for (const store of stores.splice(0)) store.close();
  });
  const open = (options: LogStoreOptions) => {
    const store = new LogStore(options);
    stores.push(store);
    return store;
  };
  const stream: StreamId = { topic: 't', partition: 3 };
  const place = { ...stream, generation: '', position: 0 };
  const numbered = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
  /** Rows of the file, for what no reader sees. */
  const rows = (path: string) => {
    const db = new Database(path, { readonly: true });
    const { count } = db.query('SELECT count(*) AS count FROM events').get() as { count: number };
    db.close();
    return count;
  };

  test('keeps everything over a reopening: events, bounds, generations and trims', async () => {
    const path = freshPath();
    const first = open({ path });
    await first.append(stream, 'g1', 1, numbered(5));
    await first.append(stream, 'g2', 7, numbered(10));
    first.trim(stream, 8);
    first.close();
    const second = open({ path });
    expect(second.bounds(stream)).toEqual({ generation: 'g2', first: 9, last: 16 });
    expect(second.slice(place, 2, 1000)!.events).toEqual([
      { position: 9, payload: '2' },
      { position: 10, payload: '3' },
    ]);
    await expect(second.append(stream, 'g1', 6, ['x'])).rejects.toThrow('newer generation');
  });

  test('stores what was appended just before the close', async () => {
    const path = freshPath();
    const store = open({ path });
    const appended = store.append(stream, 'g', 1, ['1']);
    store.close();
    expect(await appended).toBe(1);
    expect(open({ path }).bounds(stream).last).toBe(1);
  });

  test('keeps of each topic what its retention says: by count, by age, or everything', async () => {
    let nowMs = 1_000_000;
    const path = freshPath();
    const store = open({
      path,
      now: () => nowMs,
      retention: (topic) =>
        topic === 'forever'
          ? FOREVER
          : { maxEvents: topic === 'few' ? 3 : 1e6, maxAgeMs: topic === 'old' ? 5000 : Infinity },
    });
    const id = (topic: string) => ({ topic, partition: 0 });
    for (let position = 1; position <= 2000; position++) {
      nowMs += 10;
      for (const topic of ['forever', 'few', 'old']) void store.append(id(topic), 'g', position, ['1']);
      if (position % 100 === 0) await store.append(id('other'), 'g', position / 100, ['1']);
    }
    store.sweep();
    expect(store.bounds(id('forever'))).toMatchObject({ first: 1, last: 2000 });
    expect(store.bounds(id('few'))).toMatchObject({ first: 1998, last: 2000 });
    const { first } = store.bounds(id('old'));
    expect(first).toBeGreaterThan(1400);
    expect(first).toBeLessThanOrEqual(1500);
    await eventually(() => rows(path) === 2000 + 3 + (2001 - first) + 20, 'the rows are gone');
    nowMs += 60_000;
    store.sweep();
    expect(store.bounds(id('old'))).toEqual({ generation: 'g', first: 2001, last: 2000 });
  });

  test('sweeps away the rows of a generation that was replaced', async () => {
    const path = freshPath();
    const store = open({ path });
    await store.append(stream, 'g1', 1, numbered(2500));
    await store.append(stream, 'g2', 1, numbered(3));
    store.sweep();
    await eventually(() => rows(path) === 3, 'only the newer generation is left');
    expect(store.slice(place, 10, 1000)!.events).toHaveLength(3);
  });

  test('refuses appends while the disk is full, goes on reading, and takes them when there is room', async () => {
    const path = freshPath();
    const failures: string[] = [];
    const store = open({ path, onFailure: (what) => failures.push(what) });
    await store.append(stream, 'g', 1, ['"before"']);
    // What a full disk does to SQLite, without one: no page beyond those that the file has.
    const limit = (pages: number) => store.run(`PRAGMA max_page_count = ${pages}`);
    limit(8);
    const big = ['x'.repeat(500_000)];
    await expect(store.append(stream, 'g', 2, big)).rejects.toThrow(StorageUnavailableError);
    expect(store.bounds(stream)).toEqual({ generation: 'g', first: 1, last: 1 });
    expect(store.slice(place, 10, 1000)!.events).toEqual([{ position: 1, payload: '"before"' }]);
    const other = { topic: 'unknown', partition: 0 };
    await expect(store.append(other, 'g', 1, big)).rejects.toThrow(StorageUnavailableError);
    expect(store.bounds(other).last).toBe(0);
    limit(1_000_000);
    expect(await store.append(stream, 'g', 2, big)).toBe(2);
    expect(failures).toHaveLength(2);
    expect(failures[0]).toContain('no room');
  });

  test('puts a broken file aside and begins anew', async () => {
    const path = freshPath();
    writeFileSync(path, 'this is no database, long enough to be read as one'.repeat(100));
    const failures: string[] = [];
    const store = open({ path, onFailure: (what) => failures.push(what) });
    expect(await store.append(stream, 'g', 41, ['1'])).toBe(41);
    expect(failures[0]).toContain('broken');
    expect(readdirSync(join(path, '..')).some((name) => name.includes('.broken-'))).toBe(true);
  });

  test('notices pages that break while it runs, tells waiting readers, and begins anew', async () => {
    const path = freshPath();
    const first = open({ path });
    await first.append(stream, 'g', 1, Array(2000).fill('x'.repeat(300)));
    first.close();
    const bytes = Buffer.from(await Bun.file(path).arrayBuffer());
    // Everything behind the schema and the streams' page.
    bytes.fill(0xff, 4096 * 4);
    writeFileSync(path, bytes);
    const failures: string[] = [];
    const store = open({ path, onFailure: (what) => failures.push(what) });
    expect(store.bounds(stream).last).toBe(2000);
    expect(() => store.slice(place, 2000, 1e6)).toThrow(StorageUnavailableError);
    expect(failures[0]).toContain('broken');
    expect(store.bounds(stream)).toEqual({ generation: '', first: 0, last: 0 });
    expect(await store.append(stream, 'g', 1, ['again'])).toBe(1);
  });

  test('moves what is written into the file from another thread', async () => {
    const path = freshPath();
    const failures: string[] = [];
    const store = open({ path, onFailure: (what) => failures.push(what) });
    const batch = Array(100).fill('x'.repeat(1000));
    let first = 1;
    await eventually(async () => {
      await store.append(stream, 'g', first, batch);
      first += 100;
      // SQLite itself would not have begun before 32 MB.
      return first > 10_000 && Bun.file(path).size > 2 ** 22;
    }, 'the file grows');
    expect(first).toBeLessThan(30_000);
    expect(failures).toEqual([]);
  });

  test('says that it cannot store while its folder cannot be made, and comes back when it can', async () => {
    const path = freshPath();
    const blocked = join(path, 'log.sqlite');
    writeFileSync(path, 'a file where the folder should be');
    const store = open({ path: blocked });
    await expect(store.append(stream, 'g', 1, ['1'])).rejects.toThrow(StorageUnavailableError);
    rmSync(path);
    await eventually(async () => {
      const last = await store.append(stream, 'g', 1, ['1']).catch(() => 0);
      return last === 1;
    }, 'the store is opened again');
  });
});
