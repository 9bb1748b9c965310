// What comes back of what was stored, in every database behind the port: a part of conformance.ts.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError, InvariantError } from '../core/errors.ts';
import type { Database, Schemas, SqlValue } from './database.ts';

/** Runs the tests of values in databases that `open` makes, each new. */
export function valueConformance(open: (schemas: Schemas) => Promise<Database>): void {
  const types: Schemas = {
    engine: ['CREATE TABLE a (id BIGINT PRIMARY KEY, i BIGINT, x DOUBLE PRECISION, t TEXT)'],
  };

  async function roundTrip(db: Database, id: number, i: SqlValue, x: SqlValue, t: SqlValue) {
    await db.transaction((tx) => tx.write('INSERT INTO a VALUES (?, ?, ?, ?)', id, i, x, t));
    return db.get<Record<string, SqlValue>>('SELECT i, x, t FROM a WHERE id = ?', id);
  }

  test('come back as they were, whatever they are', async () => {
    const db = await open(types);
    let id = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.option(fc.maxSafeInteger()),
        fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
        fc.option(fc.string({ unit: 'grapheme' }).filter((t) => !t.includes('\0'))),
        async (i, x, t) => {
          // SQLite keeps no sign of zero, and a BIGINT has none.
          const kept = { i: i === 0 ? 0 : i, x: x === 0 ? 0 : x, t };
          expect(await roundTrip(db, ++id, i, x, t)).toEqual(kept);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('at the edges: 2^53, negative zero (stored as zero), the largest and smallest numbers, empty and long texts', async () => {
    const db = await open(types);
    const rows: [number, number, string][] = [
      [2 ** 53, -0, ''],
      [-(2 ** 53), Number.MAX_VALUE, 'a'.repeat(2 ** 20)],
      [0, Number.MIN_VALUE, '?\'"$1 -- \\ \n 😀 é \u2028'],
      [1, 0.1 + 0.2, '123456789012345678901234567890.000000000000000001'],
      [-1, 2 ** 60, '1e3'],
    ];
    for (const [at, [i, x, t]] of rows.entries()) {
      const row = await roundTrip(db, at, i, x, t);
      expect(row).toEqual({ i, x: x === 0 ? 0 : x, t });
    }
  });

  test('are bytes too, none or all of them', async () => {
    const bytes = (type: string) => [`CREATE TABLE a (id BIGINT PRIMARY KEY, b ${type})`];
    const db = await open({
      engine: [{ sqlite: bytes('BLOB')[0]!, postgres: bytes('BYTEA')[0]! }],
    });
    const all = Uint8Array.from({ length: 512 }, (_, at) => at & 255);
    for (const [id, b] of [new Uint8Array(0), all, all.subarray(3, 7), null].entries()) {
      await db.transaction((tx) => tx.write('INSERT INTO a VALUES (?, ?)', id, b));
      const row = await db.get<{ b: Uint8Array | null }>('SELECT b FROM a WHERE id = ?', id);
      expect(row!.b === null ? null : [...row!.b]).toEqual(b === null ? null : [...b]);
      if (row!.b) expect(row!.b.constructor).toBe(Uint8Array);
    }
  });

  test('that no database keeps are refused before anything is stored', async () => {
    const db = await open(types);
    for (const x of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      await expect(roundTrip(db, 1, 1, x, '')).rejects.toThrow(InvariantError);
    }
    await expect(roundTrip(db, 1, 1, 1, 'nul \0 nul')).rejects.toThrow(InvalidOptionError);
    await expect(db.all('SELECT id FROM a WHERE t = ?', '\0')).rejects.toThrow(InvalidOptionError);
    await expect(db.all('SELECT id FROM a WHERE x = ?', Number.NaN)).rejects.toThrow(InvariantError);
    expect(await db.all('SELECT id FROM a')).toEqual([]);
  });

  test('of counts, sums and comparisons are numbers', async () => {
    const db = await open(types);
    for (const id of [1, 2, 4]) await roundTrip(db, id, id, id / 2, 't');
    expect(
      await db.get(
        'SELECT count(*) AS n, sum(i) AS s, sum(x) AS x, max(i) AS m, min(t) AS t, count(*) = 3 AS three FROM a',
      ),
    ).toEqual({ n: 3, s: 7, x: 3.5, m: 4, t: 't', three: 1 });
  });

  test('keep their places beside quotes and comments with question marks', async () => {
    const db = await open(types);
    const sql = `SELECT '?' AS a, 'it''s ?' AS "b?", /* ? */ i -- why?
      FROM a WHERE i = ? AND t = ?`;
    await roundTrip(db, 1, 5, 1, 'x');
    expect(await db.all(sql, 5, 'x')).toEqual([{ a: '?', 'b?': "it's ?", i: 5 }]);
  });

  test('are ordered by number and by the bytes of text', async () => {
    const db = await open(types);
    const texts = ['b', 'B', 'a', 'é', '10', '9', ''];
    for (const [id, t] of texts.entries()) await roundTrip(db, id, 10 - id, 0, t);
    const rows = await db.all<{ t: string }>(`SELECT t FROM a ORDER BY t ${collation(db)}`);
    expect(rows.map((row) => row.t)).toEqual(['', '10', '9', 'B', 'a', 'b', 'é']);
    expect((await db.all<{ i: number }>('SELECT i FROM a ORDER BY i LIMIT ?', 2)).map((r) => r.i)).toEqual([
      4, 5,
    ]);
  });
}

/** Postgres orders text by the rules of its locale unless told; SQLite always by bytes. */
const collation = (db: Database) => (db.dialect === 'postgres' ? 'COLLATE "C"' : '');
