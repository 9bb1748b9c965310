// Shares of an engine's work on both databases: fair, fenced by the epoch in the database, handed over with what is in memory.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually.ts';
import { POSTGRES_BIN, TestPostgres } from '../../test/support/postgres.ts';
import type { LeaseBoard } from '../bus/lease-board.ts';
import { MemoryLeases } from '../bus/memory-leases.ts';
import { partitionOf } from '../bus/partition.ts';
import { TakenOverError } from '../bus/work-share.ts';
import { loadConfig } from '../core/config.ts';
import { createLog } from '../core/log.ts';
import type { Database } from '../store/database.ts';
import { openDatabase } from '../store/open.ts';
import { WORK_TABLES, WorkPartitions } from './work-partitions.ts';

const LEASE_MS = 600;
const KEYS = Array.from({ length: 40 }, (_, i) => `key_${i}`);
const self = (key: string) => key;

for (const [name, present] of [['SQLite', true] as const, ['Postgres', POSTGRES_BIN !== null] as const]) {
  describe.skipIf(!present)(`partitions of work on ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'work-'));
    const open: { work: WorkPartitions; database: Database }[] = [];
    let postgres: TestPostgres | undefined;
    let made = 0;
    beforeAll(async () => {
      if (name === 'Postgres') postgres = await TestPostgres.start();
    });
    afterEach(async () => {
      for (const { work, database } of open.splice(0)) {
        await work.stop();
        await database.close();
      }
      made++;
    });
    afterAll(async () => {
      await postgres?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    /** Starts a process of the engine; each test has a database of its own. */
    async function enter(member: string, leases: LeaseBoard, leaseMs = LEASE_MS) {
      const config = loadConfig({
        NAUTILUS_DATA_DIR: folder,
        DATABASE_URL: postgres?.url ?? '',
        NAUTILUS_DATABASE_SCHEMA_PREFIX: `t${made}_`,
      });
      const database = await openDatabase(config, `w${made}`, { work: WORK_TABLES });
      const log = createLog('test', 'silent');
      const work = new WorkPartitions({ group: 'g', member, database, leases, leaseMs, log });
      const lost: string[] = [];
      const gained: string[] = [];
      work.onLost(async (isLost) => void lost.push(...KEYS.filter(isLost)));
      work.onGained((isGained) => void gained.push(...KEYS.filter(isGained)));
      open.push({ work, database });
      await work.start();
      const ours = () => database.transaction((tx) => work.ours(tx, KEYS, self));
      return { work, database, lost, gained, ours };
    }

    test('are divided: each key is one process’s, also after one has come and gone', async () => {
      const leases = new MemoryLeases();
      const a = await enter('a', leases);
      expect(await a.ours()).toEqual(KEYS);
      expect(a.gained.sort()).toEqual([...KEYS].sort());
      const b = await enter('b', leases);
      await eventually(() => a.work.held().length === 4 && b.work.held().length === 4, 'halves');
      const [left, right] = [await a.ours(), await b.ours()];
      expect([...left, ...right].sort()).toEqual([...KEYS].sort());
      expect(a.lost.sort()).toEqual([...right].sort());
      expect(right.every((key) => b.work.holds(key))).toBe(true);
      await b.work.stop();
      await eventually(() => a.work.held().length === 8, 'everything');
      expect(await a.ours()).toEqual(KEYS);
    });

    test('are fenced: who was overtaken without knowing writes nothing, forgets, and is told in a replay', async () => {
      // Longer than any pause of a busy machine: nobody claims anew in between.
      const leaseMs = 60_000;
      const a = await enter('a', new MemoryLeases(), leaseMs);
      // Another board has never heard of the first process; epochs of the database go on all the same.
      const b = await enter('b', new MemoryLeases(), leaseMs);
      expect(b.work.held()).toHaveLength(8);
      expect(a.work.held()).toHaveLength(8);
      const [key] = KEYS as [string];
      await expect(a.database.transaction((tx) => a.work.require(tx, key))).rejects.toBeInstanceOf(
        TakenOverError,
      );
      expect(a.work.holds(key)).toBe(false);
      expect(a.lost).toEqual(KEYS.filter((k) => partitionOf(k) === partitionOf(key)));
      expect(await a.ours()).toEqual([]);
      expect(await b.ours()).toEqual(KEYS);
    });

    test('of a process that comes back go to the others first, however long these cannot store', async () => {
      const leases = new MemoryLeases();
      const a = await enter('a', leases);
      // As its predecessor has left them, while the others have them by the leases alone.
      await a.database.transaction((tx) =>
        tx.write("UPDATE work_partitions SET member = 'b' WHERE part < 4"),
      );
      let asked = 0;
      const holders = leases.holders.bind(leases);
      const watched = Object.assign(Object.create(leases) as LeaseBoard, {
        leave: leases.leave.bind(leases),
        heartbeat: leases.heartbeat.bind(leases),
        claim: leases.claim.bind(leases),
        release: leases.release.bind(leases),
        holders: (group: string) => {
          asked++;
          return holders(group);
        },
      });
      const b = await enter('b', watched);
      await eventually(() => asked > 5, 'it looks again and again');
      expect([a.work.held().length, b.work.held()]).toEqual([8, []]);
      await a.database.transaction((tx) => tx.write("UPDATE work_partitions SET member = 'a'"));
      await eventually(() => a.work.held().length === 4 && b.work.held().length === 4, 'halves');
      expect(
        await b.database.all(
          'SELECT member, count(*) AS n FROM work_partitions GROUP BY member ORDER BY member',
        ),
      ).toEqual([
        { member: 'a', n: 4 },
        { member: 'b', n: 4 },
      ]);
    });

    test('stay with a process while a replay uses them', async () => {
      const leases = new MemoryLeases();
      const a = await enter('a', leases);
      const key = KEYS[7]!;
      a.work.keepInUse(() => [key]);
      const b = await enter('b', leases);
      await eventually(() => b.work.held().length === 4, 'a half');
      expect(a.work.holds(key)).toBe(true);
      expect(a.lost).not.toContain(key);
    });
  });
}
