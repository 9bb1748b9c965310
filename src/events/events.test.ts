// Durable events from the owner's commit to the consumer's: whatever dies, each event has its effect once.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { eventually } from '../../test/support/eventually.ts';
import { MemoryHub } from '../bus/memory.ts';
import { partitionOf } from '../bus/partition.ts';
import { ConflictError, StorageUnavailableError } from '../core/errors.ts';
import type { Database } from '../store/database.ts';
import { advance, FencedError } from './consumed.ts';
import { Counter, fillOf, Owner, Shared } from './test-parts.ts';

const STREAM = { topic: 'strategy.fills', partition: partitionOf('p') };

let folder: string;
let shared: Shared;
let running: { stop(): Promise<void> }[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'events-'));
  shared = new Shared();
  running = [];
});
afterEach(async () => {
  for (const part of running.reverse()) await part.stop();
  rmSync(folder, { recursive: true, force: true });
});

const ownerPath = () => join(folder, 'owner.sqlite');
const owner = async (path = ownerPath()) => kept(await new Owner(shared, 'strategy', path).open());
const counter = async (wrap?: (db: Database) => Database) =>
  kept(await new Counter(shared, 'portfolio', join(folder, 'counter.sqlite'), wrap).open());

function kept<T extends { stop(): Promise<void> }>(part: T): T {
  running.push(part);
  return part;
}
/** Ends a part and forgets it. */
async function end(part: { stop(): Promise<void> }): Promise<void> {
  running.splice(running.indexOf(part), 1);
  await part.stop();
}
const names = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `f${String(from + i).padStart(3, '0')}`);
const trade = async (by: Owner, ids: readonly string[]) => {
  for (const id of ids) await by.trade(fillOf(id));
};
const has = (by: Counter, ids: readonly string[]) =>
  eventually(async () => JSON.stringify(await by.facts()) === JSON.stringify(ids), `facts ${ids.join()}`);

describe('an event', () => {
  test('is applied in the order of its key, once, and on the plain bus at once', async () => {
    const [from, to] = [await (await owner()).start(), await (await counter()).start()];
    const heard: string[] = [];
    await to.bus.subscribe('strategy.fills', (batch) => void heard.push(...batch.map((e) => e.id)));
    const ids = names(1, 50);
    await Promise.all(ids.map((id) => from.trade(fillOf(id))));
    await has(to, ids);
    expect(to.seen).toEqual(ids);
    expect(to.totals.get('p')).toBe(50);
    expect(heard).toHaveLength(50);
    expect(to.events.status().counts).toMatchObject({ applied: 50, dead_letters: 0, lost: 0 });
  });

  test('arrives although its owner died between its commit and the log', async () => {
    // Nothing is sent before `start`: what is stored now is what a process leaves that is killed right after its commit.
    await trade(await owner(), ['f001']);
    await end(running.pop()!);
    const to = await (await counter()).start();
    await (await owner()).start();
    await has(to, ['f001']);
  });

  test('waits for a consumer that is away and for a log that is away', async () => {
    const from = await (await owner()).start();
    shared.away = true;
    await trade(from, names(1, 3));
    await eventually(
      () => from.events.missing().includes('event log'),
      'the owner says that the log is away',
    );
    shared.away = false;
    await trade(from, names(4, 5));
    const to = await (await counter()).start();
    await has(to, names(1, 5));
    await eventually(() => from.events.missing().length === 0, 'all is well again');
  });

  test('is not applied again by a consumer that restarts', async () => {
    const [from, first] = [await (await owner()).start(), await (await counter()).start()];
    await trade(from, names(1, 3));
    await has(first, names(1, 3));
    await end(first);
    await trade(from, names(4, 6));
    const second = await (await counter()).start();
    await has(second, names(1, 6));
    expect(second.seen).toEqual(names(4, 6));
  });

  test('is not applied twice when the log is emptied or goes back, and none is lost', async () => {
    const [from, to] = [await (await owner()).start(), await (await counter()).start()];
    await trade(from, names(1, 5));
    await has(to, names(1, 5));
    shared.replace(new MemoryHub().connectLog());
    await trade(from, names(6, 7));
    await has(to, names(1, 7));
    const older = new MemoryHub().connectLog();
    await older.append(STREAM, (await from.events.overview()).generation, 1, ['1', '2']);
    shared.replace(older);
    await trade(from, ['f008']);
    await has(to, names(1, 8));
    expect(to.seen).toEqual(names(1, 8));
  });

  test('of an owner whose database is lost is taken beside the old ones', async () => {
    const [first, to] = [await (await owner()).start(), await (await counter()).start()];
    await trade(first, names(1, 3));
    await has(to, names(1, 3));
    await end(first);
    const second = await (await owner(join(folder, 'new.sqlite'))).start();
    await trade(second, names(4, 5));
    await has(to, names(1, 5));
    expect(to.seen).toEqual(names(1, 5));
  });

  test('of an owner whose database was put back from a copy has its effect once', async () => {
    const [from, to] = [await owner(), await (await counter()).start()];
    await trade(from, names(1, 3));
    const copy = join(folder, 'copy.sqlite');
    await from.database.all('PRAGMA wal_checkpoint(TRUNCATE)');
    copyFileSync(ownerPath(), copy);
    await from.start();
    await trade(from, names(4, 6));
    await has(to, names(1, 6));
    await end(from);
    const again = await (await owner(copy)).start();
    // The copy has three events of its own past; their numbers were taken by others.
    await trade(again, names(7, 9));
    await has(to, names(1, 9));
    expect(to.seen).toEqual(names(1, 9));
  });

  test('that the log has forgotten is counted as lost, and the rest is applied', async () => {
    const [from, to] = [await (await owner()).start(), await counter()];
    await to.start();
    await trade(from, ['f001']);
    await has(to, ['f001']);
    await end(to);
    await trade(from, names(2, 6));
    await eventually(async () => (await shared.bounds(STREAM)).last === 6, 'all are in the log');
    await shared.trim(STREAM, 3);
    const again = await (await counter()).start();
    await has(again, ['f001', 'f004', 'f005', 'f006']);
    expect(again.events.status().counts.lost).toBe(2);
  });
});

describe('an event that cannot be applied', () => {
  test('is set aside after some tries, does not hold up others, and can be replayed once', async () => {
    const [from, to] = [await (await owner()).start(), await (await counter()).start()];
    to.failing = ({ fill_id }) => {
      if (fill_id === 'f002') throw new TypeError('cannot do two');
    };
    await Promise.all(names(1, 4).map((id) => from.trade(fillOf(id))));
    await has(to, ['f001', 'f003', 'f004']);
    expect(to.totals.get('p')).toBe(3);
    const [letter] = await to.events.deadLetters.list('parked', 10);
    expect(letter).toMatchObject({ topic: 'strategy.fills', position: 2, attempts: 5, state: 'parked' });
    expect(letter!.reason).toContain('cannot do two');
    await expect(to.events.deadLetters.replay(letter!.id)).rejects.toThrow('cannot do two');
    to.failing = () => {};
    expect(await to.events.deadLetters.replay(letter!.id)).toMatchObject({ state: 'replayed' });
    await has(to, names(1, 4));
    await expect(to.events.deadLetters.replay(letter!.id)).rejects.toThrow(ConflictError);
    expect(await to.events.deadLetters.count()).toBe(0);
  });

  test('may be given up, and stays on record', async () => {
    const [from, to] = [await (await owner()).start(), await (await counter()).start()];
    to.failing = () => {
      throw new Error('never');
    };
    await from.trade(fillOf('f001'));
    await eventually(async () => (await to.events.deadLetters.count()) === 1, 'one dead letter');
    const [letter] = await to.events.deadLetters.list('parked', 1);
    expect(await to.events.deadLetters.discard(letter!.id)).toMatchObject({ state: 'discarded' });
    expect(await to.events.deadLetters.list('discarded', 10)).toHaveLength(1);
    await expect(to.events.deadLetters.discard(letter!.id)).rejects.toThrow('parked');
  });

  test('is tried again when its failure was a passing one', async () => {
    const [from, to] = [await (await owner()).start(), await (await counter()).start()];
    let failures = 3;
    to.failing = () => {
      if (failures-- > 0) throw new Error('not now');
    };
    await from.trade(fillOf('f001'));
    await has(to, ['f001']);
    expect(to.totals.get('p')).toBe(1);
    expect(to.events.status().counts).toMatchObject({ applied: 1, retries: 2, dead_letters: 0 });
  });

  test.each([
    ['no JSON', () => '{broken', 'JSON'],
    ['another version', (text: string) => text.replace('"version":1', '"version":2'), 'version 1'],
    ['a broken body', (text: string) => text.replace('"quantity":"1"', '"quantity":"x"'), '/quantity'],
    ['another topic', (text: string) => text.replace('"strategy.fills"', '"other"'), 'envelope'],
  ])('because it has %s is set aside at once', async (_, spoil, reason) => {
    const [from, to] = [await owner(), await (await counter()).start()];
    await trade(from, names(1, 3));
    await from.database.transaction(async (tx) => {
      const row = await tx.get<{ payload: string }>('SELECT payload FROM outbox WHERE position = 2');
      tx.write('UPDATE outbox SET payload = ? WHERE position = 2', spoil(row!.payload));
    });
    await from.start();
    await has(to, ['f001', 'f003']);
    const [letter] = await to.events.deadLetters.list('parked', 10);
    expect(letter!.reason).toContain(reason);
    await expect(to.events.deadLetters.replay(letter!.id)).rejects.toThrow(reason);
  });
});

test('a consumer that hangs is told of while it does', async () => {
  const [from, to] = [await (await owner()).start(), await (await counter()).start()];
  const held = Promise.withResolvers<void>();
  to.hanging = () => held.promise;
  await trade(from, ['f001']);
  await eventually(() => to.hung.includes('strategy.fills'), 'the hanging consumer is told of');
  held.resolve();
  await has(to, ['f001']);
});

describe('a database that fails', () => {
  test('stops nothing for good: events wait, memory is what is stored, health says so', async () => {
    let isBroken = false;
    const wrap = (db: Database): Database => ({
      ...bound(db),
      transaction: (work) =>
        db.transaction(async (tx) => {
          const value = await work(tx);
          if (isBroken) throw new StorageUnavailableError('No space is left');
          return value;
        }),
    });
    const [from, to] = [await (await owner()).start(), await (await counter(wrap)).start()];
    await trade(from, ['f001']);
    await has(to, ['f001']);
    isBroken = true;
    await trade(from, names(2, 4));
    await eventually(() => to.events.missing().includes('database'), 'the database is missed');
    expect(await to.facts()).toEqual(['f001']);
    await eventually(() => to.totals.get('p') === 1, 'memory is back to what is stored');
    isBroken = false;
    await has(to, names(1, 4));
    expect(to.totals.get('p')).toBe(4);
    await eventually(() => to.events.missing().length === 0, 'all is well again');
    expect(to.events.status().counts.dead_letters).toBe(0);
  });

  test('is missed by an engine that has nothing to store, and by one that handles what changes nothing', async () => {
    let isAway = false;
    const wrap = (db: Database): Database => {
      const away = () => Promise.reject(new StorageUnavailableError('The server is away'));
      return {
        ...bound(db),
        get: (sql, ...values) => (isAway ? away() : db.get(sql, ...values)),
        // Like Postgres: work that touches nothing needs no connection.
        transaction: (work) =>
          db.transaction(async (tx) => {
            const used = () => {
              if (isAway) throw new StorageUnavailableError('The server is away');
              return tx;
            };
            return work({
              write: (sql, ...values) => used().write(sql, ...values),
              all: (sql, ...values) => used().all(sql, ...values),
              get: (sql, ...values) => used().get(sql, ...values),
            });
          }),
      };
    };
    const to = await (await counter(wrap)).start();
    isAway = true;
    await eventually(() => to.events.missing().includes('database'), 'the database is missed');
    for (let i = 0; i < 5; i++) await to.events.units.run(() => {});
    expect(to.events.missing()).toContain('database');
    isAway = false;
    await eventually(() => to.events.missing().length === 0, 'all is well again');
  });

  test('that stores although it seems to fail has its events sent soon', async () => {
    let isCut = false;
    const [from, to] = [
      await kept(
        await new Owner(shared, 'strategy', ownerPath(), (db) => ({
          ...bound(db),
          transaction: async (work) => {
            const value = await db.transaction(work);
            if (isCut) throw new StorageUnavailableError('The answer was lost');
            return value;
          },
        })).open(),
      ),
      await (await counter()).start(),
    ];
    await from.start();
    await trade(from, ['f001']);
    isCut = true;
    await expect(from.trade(fillOf('f002'))).rejects.toThrow('The answer was lost');
    isCut = false;
    await has(to, ['f001', 'f002']);
  });

  test('says nothing of what it did not store', async () => {
    const from = await (await owner()).start();
    const heard: string[] = [];
    await from.bus.subscribe('strategy.fills', (batch) => void heard.push(...batch.map((e) => e.id)));
    await from.trade(fillOf('f001'));
    await expect(from.trade(fillOf('f001'))).rejects.toThrow('UNIQUE');
    await from.trade(fillOf('f002'));
    await eventually(() => heard.length === 2, 'two are told');
    await eventually(async () => (await shared.bounds(STREAM)).last === 2, 'two are in the log');
  });
});

describe('units that wait', () => {
  test('share a commit; a refusal or a failure takes back only its own', async () => {
    const from = await owner();
    const results = await Promise.allSettled([
      from.trade(fillOf('f001')),
      from.events.units.run(() => {
        throw new ConflictError('refused');
      }),
      from.trade(fillOf('f001')),
      from.trade(fillOf('f002')),
    ]);
    expect(results.map((r) => r.status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    const rows = await from.database.all('SELECT position FROM outbox ORDER BY position');
    expect(rows).toEqual([{ position: 1 }, { position: 2 }]);
  });
});

describe('whatever dies, in whatever order', () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('trade' as const), count: fc.integer({ min: 1, max: 5 }) }),
    },
    fc.record({ kind: fc.constantFrom('kill owner', 'kill counter', 'empty the log', 'log away') }),
    fc.record({ kind: fc.constantFrom('log back', 'fail once', 'wait') }),
  );

  test('each stored fact has its effect once, and totals are those of the facts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
        folder = mkdtempSync(join(tmpdir(), 'events-'));
        shared = new Shared();
        let from = await (await owner()).start();
        let to = await (await counter()).start();
        const stored: string[] = [];
        for (const s of steps) {
          if (s.kind === 'trade' && 'count' in s) {
            const ids = names(stored.length + 1, stored.length + s.count);
            await Promise.all(ids.map((id, i) => from.trade(fillOf(id, `p${i % 3}`))));
            stored.push(...ids);
          } else if (s.kind === 'kill owner') {
            await from.kill();
            from = await (await owner()).start();
          } else if (s.kind === 'kill counter') {
            await to.kill();
            to = await (await counter()).start();
          } else if (s.kind === 'empty the log') {
            shared.replace(new MemoryHub().connectLog());
          } else if (s.kind === 'log away') shared.away = true;
          else if (s.kind === 'log back') shared.away = false;
          else if (s.kind === 'fail once') {
            let left = 1;
            to.failing = () => {
              if (left-- > 0) throw new Error('once');
            };
          } else await Bun.sleep(5);
        }
        shared.away = false;
        await has(to, stored);
        const rows = await to.database.all<{ n: number }>('SELECT sum(fills) AS n FROM totals');
        expect(rows[0]!.n ?? 0).toBe(stored.length);
        expect([...to.totals.values()].reduce((a, b) => a + b, 0)).toBe(stored.length);
        expect(await to.events.deadLetters.count()).toBe(0);
        running = [];
        await to.stop();
        await from.stop();
        rmSync(folder, { recursive: true, force: true });
      }),
      { numRuns: 25, seed: 20221122 },
    );
  });
});

test('a holder that was overtaken cannot store what it still does', async () => {
  const to = await counter();
  const place = { ...STREAM, generation: 'g', position: 5 };
  const move = (epoch: number, position: number) =>
    to.database.transaction((tx) => advance(tx, { ...place, position, epoch }));
  await move(1, 5);
  await move(2, 6);
  await expect(move(1, 7)).rejects.toThrow(FencedError);
  expect(await to.database.get('SELECT position, epoch FROM consumed')).toEqual({ position: 6, epoch: 2 });
});

function bound(db: Database): Database {
  return {
    dialect: db.dialect,
    all: (sql, ...values) => db.all(sql, ...values),
    get: (sql, ...values) => db.get(sql, ...values),
    transaction: (work) => db.transaction(work),
    close: () => db.close(),
  };
}
