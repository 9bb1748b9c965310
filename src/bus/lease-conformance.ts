// What every lease board has to do, as one suite: the test file of each carrier calls it.
import { afterEach, describe, expect, setSystemTime, test } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import type { LeaseBoard } from './lease-board.ts';

/** One place that keeps a board, to which the suite connects several clients. */
export interface LeaseCluster {
  /** Resolves when the client is connected. */
  connect(): Promise<LeaseBoard>;
  close(): Promise<void> | void;
}

// Long: never runs out within a test. Short: runs out soon, yet later than a few calls on a busy machine take.
const LONG = 60_000;
const SHORT = 250;

let groupCount = 0;
const freshGroup = () => `group-${groupCount++}`;
const asked = (resources: readonly string[], minEpoch = 0) =>
  resources.map((resource) => ({ resource, minEpoch }));
const names = (leases: readonly { resource: string }[]) => leases.map((lease) => lease.resource);

/** Runs the suite against the boards that `begin` makes. */
export function leaseConformance(carrier: string, begin: () => Promise<LeaseCluster>): void {
  describe(`${carrier} leases`, () => {
    const clusters: LeaseCluster[] = [];
    afterEach(async () => {
      setSystemTime();
      for (const made of clusters.splice(0)) await made.close();
    });

    /** Two clients of one board. */
    async function boards(): Promise<[LeaseBoard, LeaseBoard]> {
      const made = await begin();
      clusters.push(made);
      return [await made.connect(), await made.connect()];
    }

    test('gives a resource to one member only', async () => {
      const [a, b] = await boards();
      const group = freshGroup();
      const first = await a.claim(group, 'a', asked(['0', '1']), LONG);
      expect(first).toEqual([
        { resource: '0', member: 'a', epoch: 1 },
        { resource: '1', member: 'a', epoch: 1 },
      ]);
      expect(await b.claim(group, 'b', asked(['0', '1', '2']), LONG)).toEqual([
        { resource: '2', member: 'b', epoch: 1 },
      ]);
      expect(await b.claim(group, 'b', asked([]), LONG)).toEqual([]);
    });

    test('keeps groups apart', async () => {
      const [a, b] = await boards();
      const [one, two] = [freshGroup(), freshGroup()];
      expect(await a.claim(one, 'a', asked(['0']), LONG)).toHaveLength(1);
      expect(await b.claim(two, 'b', asked(['0']), LONG)).toHaveLength(1);
      await a.heartbeat(one, 'a', LONG);
      expect(await b.heartbeat(two, 'b', LONG)).toEqual(['b']);
      expect(names(await a.holders(one))).toEqual(['0']);
    });

    test('keeps the epoch of a holder that renews, and his lease for as long as he does', async () => {
      const [a, b] = await boards();
      const group = freshGroup();
      const [lease] = await a.claim(group, 'a', asked(['0']), SHORT);
      const until = performance.now() + 3 * SHORT;
      while (performance.now() < until) {
        // A holder's own writes carry its epoch, so that it is what he knows as the least one.
        expect(await a.claim(group, 'a', asked(['0'], lease!.epoch), SHORT)).toEqual([lease!]);
        expect(await b.claim(group, 'b', asked(['0']), SHORT)).toEqual([]);
        await Bun.sleep(SHORT / 10);
      }
    });

    test('hands a lease over when it has run out, with a greater epoch', async () => {
      const [a, b] = await boards();
      const group = freshGroup();
      const [old] = await a.claim(group, 'a', asked(['0']), SHORT);
      let mine: readonly { epoch: number }[] = [];
      await eventually(async () => {
        mine = await b.claim(group, 'b', asked(['0']), LONG);
        return mine.length === 1;
      }, 'the lease is handed over');
      expect(mine[0]!.epoch).toBeGreaterThan(old!.epoch);
      expect(await a.claim(group, 'a', asked(['0'], old!.epoch), LONG)).toEqual([]);
    });

    test('gives a member that let its own lease run out a new epoch', async () => {
      const [a] = await boards();
      const group = freshGroup();
      const [old] = await a.claim(group, 'a', asked(['0']), SHORT);
      await eventually(async () => (await a.holders(group)).length === 0, 'the lease runs out');
      const [again] = await a.claim(group, 'a', asked(['0']), LONG);
      expect(again!.epoch).toBeGreaterThan(old!.epoch);
    });

    test('starts above the least epoch that the claimer names', async () => {
      const [a, b] = await boards();
      const group = freshGroup();
      const claimed = await a.claim(
        group,
        'a',
        [
          { resource: '0', minEpoch: 41 },
          { resource: '1', minEpoch: 0 },
        ],
        LONG,
      );
      expect(claimed.find((l) => l.resource === '0')!.epoch).toBeGreaterThan(41);
      expect(claimed.find((l) => l.resource === '1')!.epoch).toBe(1);
      await a.release(group, 'a', ['0']);
      const [next] = await b.claim(group, 'b', asked(['0'], 3), LONG);
      expect(next!.epoch).toBeGreaterThan(claimed.find((l) => l.resource === '0')!.epoch);
    });

    test('gives a holder whose epoch is too small for its data a greater one', async () => {
      const [a] = await boards();
      const group = freshGroup();
      await a.claim(group, 'a', asked(['0']), LONG);
      const [greater] = await a.claim(group, 'a', asked(['0'], 7), LONG);
      expect(greater!.epoch).toBeGreaterThan(7);
      expect(await a.claim(group, 'a', asked(['0'], greater!.epoch), LONG)).toEqual([greater!]);
    });

    test('gives back what is released, and only one’s own', async () => {
      const [a, b] = await boards();
      const group = freshGroup();
      await a.claim(group, 'a', asked(['0', '1']), LONG);
      await b.release(group, 'b', ['0', '1']);
      expect(await b.claim(group, 'b', asked(['0']), LONG)).toEqual([]);
      await a.release(group, 'a', ['0', 'never claimed']);
      expect(await b.claim(group, 'b', asked(['0', '1']), LONG)).toEqual([
        { resource: '0', member: 'b', epoch: 2 },
      ]);
    });

    test('lists living members, sorted, and lets one that leaves give everything back', async () => {
      const [a, b] = await boards();
      const group = freshGroup();
      expect(await b.heartbeat(group, 'b', LONG)).toEqual(['b']);
      expect(await a.heartbeat(group, 'a', LONG)).toEqual(['a', 'b']);
      expect(await b.heartbeat(group, 'b', LONG)).toEqual(['a', 'b']);
      await b.claim(group, 'b', asked(['0', '1']), LONG);
      await b.leave(group, 'b');
      expect(await a.heartbeat(group, 'a', LONG)).toEqual(['a']);
      expect(await a.holders(group)).toEqual([]);
      expect(names(await a.claim(group, 'a', asked(['0', '1']), LONG))).toEqual(['0', '1']);
      await b.leave(group, 'b');
      expect(await a.holders(group)).toHaveLength(2);
    });

    test('forgets a member that falls silent', async () => {
      const [a, b] = await boards();
      const group = freshGroup();
      await b.heartbeat(group, 'silent', SHORT);
      await eventually(
        async () => (await a.heartbeat(group, 'a', LONG)).join() === 'a',
        'only the living one is listed',
      );
    });

    test('shows who holds what, sorted by resource, and nothing that has run out', async () => {
      const [a, b] = await boards();
      const group = freshGroup();
      expect(await a.holders(group)).toEqual([]);
      await b.claim(group, 'b', asked(['fills/1', 'fills/10', 'fills/2']), LONG);
      await a.claim(group, 'a', asked(['fills/0']), SHORT);
      expect(await b.holders(group)).toEqual([
        { resource: 'fills/0', member: 'a', epoch: 1 },
        { resource: 'fills/1', member: 'b', epoch: 1 },
        { resource: 'fills/10', member: 'b', epoch: 1 },
        { resource: 'fills/2', member: 'b', epoch: 1 },
      ]);
      await eventually(async () => (await b.holders(group)).length === 3, 'the short lease runs out');
    });

    test('lets exactly one of many win who claim in the same instant', async () => {
      const clients = await boards();
      const resources = Array.from({ length: 16 }, (_, i) => `${i}`);
      for (let round = 0; round < 10; round++) {
        const group = freshGroup();
        const results = await Promise.all(
          Array.from({ length: 8 }, (_, i) => clients[i % 2]!.claim(group, `m${i}`, asked(resources), LONG)),
        );
        expect(results.flatMap(names).sort()).toEqual([...resources].sort());
        const leases = results.flat().sort((x, y) => (x.resource < y.resource ? -1 : 1));
        expect(await clients[0]!.holders(group)).toEqual(leases);
      }
    });

    test('measures time by its own clock, whatever a member’s clock says', async () => {
      const [a, b] = await boards();
      const group = freshGroup();
      await a.heartbeat(group, 'a', LONG);
      await a.claim(group, 'a', asked(['0']), LONG);
      setSystemTime(new Date(Date.now() + 3_600_000));
      expect(await b.claim(group, 'b', asked(['0']), LONG)).toEqual([]);
      expect(await b.heartbeat(group, 'b', SHORT)).toEqual(['a', 'b']);
      setSystemTime(new Date(Date.now() - 7_200_000));
      await eventually(
        async () => (await a.heartbeat(group, 'a', LONG)).join() === 'a',
        'a member is forgotten although the clock went back',
      );
    });
  });
}
