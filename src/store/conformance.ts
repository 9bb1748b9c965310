// What every database behind the port has to do, as one suite: each database's test file calls it.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvariantError, StorageUnavailableError } from '../core/errors.ts';
import { appendOnly } from './append-only.ts';
import { valueConformance } from './conformance-values.ts';
import type { Database, Schemas } from './database.ts';

/** A place that databases can be opened in. */
export interface Store {
  /** Opens the database `name`; the same name gives the same one again. */
  open(name: string, schemas: Schemas): Promise<Database>;
  stop(): Promise<void> | void;
}

const table = (columns: string): Schemas => ({ engine: [`CREATE TABLE a (${columns})`] });
const numbers = table('id BIGINT PRIMARY KEY, x DOUBLE PRECISION, t TEXT');
const insert = 'INSERT INTO a (id) VALUES (?)';

/** Runs the suite against the stores that `start` makes; skips it when `present` is false. */
export function storeConformance(name: string, start: () => Promise<Store>, present = true): void {
  describe.skipIf(!present)(`a database in ${name}`, () => {
    let store: Store;
    const opened: Database[] = [];
    let made = 0;
    beforeAll(async () => {
      store = await start();
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map((db) => db.close()));
    });
    afterAll(() => store?.stop());

    async function open(schemas: Schemas = numbers, under = `db${++made}`): Promise<Database> {
      const db = await store.open(under, schemas);
      opened.push(db);
      return db;
    }
    const ids = async (db: Database) =>
      (await db.all<{ id: number }>('SELECT id FROM a ORDER BY id')).map((row) => row.id);

    describe('values', () => valueConformance(open));

    describe('a transaction', () => {
      test('sees its own writes, gives back what its work returns, and is stored as a whole', async () => {
        const db = await open();
        const seen = await db.transaction(async (tx) => {
          tx.write(insert, 1);
          tx.write('UPDATE a SET x = ? WHERE id = ?', 2.5, 1);
          const row = await tx.get<{ x: number }>('SELECT x FROM a WHERE id = ?', 1);
          const back = await tx.all<{ id: number }>('INSERT INTO a (id) VALUES (?) RETURNING id', 2);
          return [row!.x, back[0]!.id, await tx.get('SELECT * FROM a WHERE id = 9')];
        });
        expect(seen).toEqual([2.5, 2, null]);
        expect(await ids(db)).toEqual([1, 2]);
      });

      test('leaves nothing when its work throws, at once or later', async () => {
        const db = await open();
        const thrown = new Error('no');
        const now = db.transaction((tx) => {
          tx.write(insert, 1);
          throw thrown;
        });
        const later = db.transaction(async (tx) => {
          tx.write(insert, 2);
          await tx.all('SELECT 1 AS one');
          throw thrown;
        });
        expect(await now.catch((e) => e)).toBe(thrown);
        expect(await later.catch((e) => e)).toBe(thrown);
        expect(await ids(db)).toEqual([]);
      });

      test('leaves nothing when one of its statements fails, and the next one works', async () => {
        const db = await open();
        await db.transaction((tx) => tx.write(insert, 1));
        const failing = db.transaction((tx) => {
          tx.write(insert, 2);
          tx.write(insert, 1);
          tx.write(insert, 3);
        });
        await expect(failing).rejects.toThrow(/unique/i);
        await expect(db.transaction((tx) => tx.write('INSERT INTO nothing VALUES (1)'))).rejects.toThrow(
          /nothing/,
        );
        await db.transaction((tx) => tx.write(insert, 4));
        expect(await ids(db)).toEqual([1, 4]);
      });

      test('inserts, updates or leaves alone by a key', async () => {
        const db = await open();
        const upsert =
          'INSERT INTO a (id, x) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET x = a.x + excluded.x RETURNING x';
        const results = await db.transaction(async (tx) => [
          await tx.get(upsert, 1, 1.5),
          await tx.get(upsert, 1, 2),
          await tx.get('INSERT INTO a (id) VALUES (?) ON CONFLICT (id) DO NOTHING RETURNING id', 1),
        ]);
        expect(results).toEqual([{ x: 1.5 }, { x: 3.5 }, null]);
      });

      test('takes 5,000 writes and reads the last', async () => {
        const db = await open();
        const last = await db.transaction(async (tx) => {
          for (let id = 0; id < 5000; id++) tx.write(insert, id);
          return tx.get<{ id: number }>('SELECT max(id) AS id FROM a');
        });
        expect(last).toEqual({ id: 4999 });
      });

      test('is refused after its end and within another one', async () => {
        const db = await open();
        let kept!: Parameters<Parameters<Database['transaction']>[0]>[0];
        await db.transaction((tx) => {
          kept = tx;
        });
        expect(() => kept.write(insert, 1)).toThrow(InvariantError);
        await expect(kept.all('SELECT 1 AS one')).rejects.toThrow(InvariantError);
        const nested = db.transaction(async (tx) => {
          tx.write(insert, 1);
          await tx.get('SELECT 1 AS one');
          await db.transaction((inner) => inner.write(insert, 2));
        });
        await expect(nested).rejects.toThrow('a transaction was begun within another one');
        expect(await ids(db)).toEqual([]);
        // What was begun within one goes on freely after its end.
        let after!: Promise<void>;
        await db.transaction(() => {
          after = Promise.resolve()
            .then(() => new Promise((resolve) => setImmediate(resolve)))
            .then(() => db.transaction((tx) => tx.write(insert, 3)));
        });
        await after;
        expect(await ids(db)).toEqual([3]);
      });
    });

    describe('transactions that wait', () => {
      test('are all stored, in their order', async () => {
        const db = await open(table('id BIGINT PRIMARY KEY, before BIGINT'));
        const counts = await Promise.all(
          Array.from({ length: 1000 }, (_, id) =>
            db.transaction(async (tx) => {
              const { n } = (await tx.get<{ n: number }>('SELECT count(*) AS n FROM a'))!;
              tx.write('INSERT INTO a VALUES (?, ?)', id, n);
              return n;
            }),
          ),
        );
        expect(counts.every((n, at) => n === at)).toBe(true);
        const wrong = await db.all('SELECT id FROM a WHERE id <> before');
        expect([(await ids(db)).length, wrong]).toEqual([1000, []]);
      });

      test('fail alone, whichever way they fail', async () => {
        const db = await open();
        const results = await Promise.allSettled(
          Array.from({ length: 60 }, (_, id) =>
            db.transaction(async (tx) => {
              tx.write(insert, id);
              if (id % 10 === 3) throw new Error(`work ${id}`);
              if (id % 10 === 5) tx.write(insert, 0);
              if (id % 10 === 7) await tx.all('INSERT INTO a (id) VALUES (?) RETURNING id', 0);
              return id;
            }),
          ),
        );
        const good = results.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
        expect(good).toEqual(
          Array.from({ length: 60 }, (_, id) => id).filter((id) => ![3, 5, 7].includes(id % 10)),
        );
        expect(await ids(db)).toEqual(good);
      });

      test('have the result that they would have one by one, in whatever order they write, read and fail', async () => {
        const kinds = [
          'write',
          'throw',
          'fail',
          'read',
          'read and fail',
          'read and throw',
          'nothing',
        ] as const;
        await fc.assert(
          fc.asyncProperty(fc.array(fc.constantFrom(...kinds), { maxLength: 24 }), async (units) => {
            const db = await open();
            const stored: number[] = [];
            const expected = units.map((kind, id) => {
              const n = stored.length;
              if (kind === 'nothing') return id;
              if (kind.endsWith('throw') || kind.endsWith('fail')) return 'failed';
              stored.push(id);
              return kind === 'read' ? n : id;
            });
            const results = await Promise.allSettled(
              units.map((kind, id) =>
                db.transaction(async (tx) => {
                  if (kind === 'nothing') return id;
                  const row =
                    kind.startsWith('read') && (await tx.get<{ n: number }>('SELECT count(*) AS n FROM a'));
                  tx.write(insert, id);
                  if (kind.endsWith('throw')) throw new Error('thrown');
                  if (kind.endsWith('fail')) tx.write(insert, id);
                  return row ? row.n : id;
                }),
              ),
            );
            expect(results.map((r) => (r.status === 'fulfilled' ? r.value : 'failed'))).toEqual(expected);
            expect(await ids(db)).toEqual(stored);
          }),
          { numRuns: 40 },
        );
      });

      test('are stored before the database closes; later ones are refused', async () => {
        const db = await open(numbers, 'closing');
        const waiting = Array.from({ length: 20 }, (_, id) => db.transaction((tx) => tx.write(insert, id)));
        const closed = db.close();
        await expect(db.transaction((tx) => tx.write(insert, 99))).rejects.toThrow(StorageUnavailableError);
        await Promise.all([...waiting, closed, db.close()]);
        await expect(db.all('SELECT 1 AS one')).rejects.toThrow(StorageUnavailableError);
        expect((await ids(await open(numbers, 'closing'))).length).toBe(20);
      });
    });

    test('reads outside of transactions see only what is stored', async () => {
      const db = await open();
      const [outside, inside] = await db.transaction(async (tx) => {
        tx.write(insert, 1);
        return [await tx.all('SELECT id FROM a'), await db.all('SELECT id FROM a')].reverse();
      });
      expect([outside, inside]).toEqual([[], [{ id: 1 }]]);
      expect(await ids(db)).toEqual([1]);
    });

    test('rows of an append-only table can be added and not be changed or deleted', async () => {
      const db = await open({ engine: [...numbers.engine!, appendOnly('a')] });
      await db.transaction((tx) => tx.write(insert, 1));
      for (const sql of ['UPDATE a SET x = 2', 'DELETE FROM a']) {
        await expect(db.transaction((tx) => tx.write(sql))).rejects.toThrow('a is append-only');
      }
      const upsert = 'INSERT INTO a (id, x) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET x = excluded.x';
      await expect(db.transaction((tx) => tx.write(upsert))).rejects.toThrow('a is append-only');
      await db.transaction((tx) => tx.write(insert, 2));
      expect(await db.all('SELECT id, x FROM a ORDER BY id')).toEqual([
        { id: 1, x: null },
        { id: 2, x: null },
      ]);
    });

    describe('steps of a schema', () => {
      const first = 'CREATE TABLE a (id BIGINT PRIMARY KEY)';
      const second = "ALTER TABLE a ADD COLUMN t TEXT DEFAULT 'x; y'; CREATE INDEX a_t ON a (t);";

      test('run once each, and those of one part apart from those of another', async () => {
        const under = `steps${++made}`;
        const before = await open({ engine: [first] }, under);
        await before.transaction((tx) => tx.write(insert, 1));
        await before.close();
        for (let again = 0; again < 2; again++) {
          const db = await open({ engine: [first, second], jobs: ['CREATE TABLE b (id BIGINT)'] }, under);
          expect(await db.all('SELECT * FROM a')).toEqual([{ id: 1, t: 'x; y' }]);
          expect(await db.all('SELECT * FROM b')).toEqual([]);
          expect(await db.all('SELECT * FROM migrations ORDER BY component')).toEqual([
            { component: 'engine', version: 2 },
            { component: 'jobs', version: 1 },
          ]);
          await db.close();
        }
      });

      test('of a newer version are refused, and stay', async () => {
        const under = `newer${++made}`;
        await (await open({ engine: [first, second] }, under)).close();
        await expect(open({ engine: [first] }, under)).rejects.toThrow(
          "has engine schema 2, newer than this version's 1",
        );
        const db = await open({ engine: [first, second] }, under);
        expect(await db.all('SELECT version FROM migrations')).toEqual([{ version: 2 }]);
      });

      test('leave nothing when one of them fails', async () => {
        const under = `failing${++made}`;
        await (await open({ engine: [first] }, under)).close();
        const broken = { engine: [first, second, 'CREATE TABLE a (id BIGINT)'] };
        await expect(open(broken, under)).rejects.toThrow(/already exists/);
        const db = await open({ engine: [first] }, under);
        expect(await db.all('SELECT version FROM migrations')).toEqual([{ version: 1 }]);
        await expect(db.all('SELECT t FROM a')).rejects.toThrow();
      });
    });
  });
}
