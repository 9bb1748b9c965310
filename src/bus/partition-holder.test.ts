// Shares of partitions: fair, stable, handed over on joins, leaves and deaths, and given up in time when the board is away.
import { afterEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { eventually } from '../../test/support/eventually.ts';
import { DependencyUnavailableError } from '../core/errors.ts';
import type { LeaseBoard } from './lease-board.ts';
import { MemoryLeases } from './memory-leases.ts';
import { fairShares, PartitionHolder, type PartitionHolderOptions } from './partition-holder.ts';

// Long enough that a busy machine does not lose leases by itself.
const TTL_MS = 2000;
const resources = Array.from({ length: 8 }, (_, i) => `p${i}`);

/** A board that can be away, or hang. */
class FlakyBoard implements LeaseBoard {
  readonly inner = new MemoryLeases();
  away = false;
  hang: Promise<void> | undefined;
  calls = 0;

  async #do<T>(call: () => Promise<T>): Promise<T> {
    this.calls++;
    await this.hang;
    if (this.away) throw new DependencyUnavailableError('the board is away');
    return call();
  }

  heartbeat(...args: Parameters<LeaseBoard['heartbeat']>) {
    return this.#do(() => this.inner.heartbeat(...args));
  }
  claim(...args: Parameters<LeaseBoard['claim']>) {
    return this.#do(() => this.inner.claim(...args));
  }
  release(...args: Parameters<LeaseBoard['release']>) {
    return this.#do(() => this.inner.release(...args));
  }
  leave(...args: Parameters<LeaseBoard['leave']>) {
    return this.#do(() => this.inner.leave(...args));
  }
  holders(...args: Parameters<LeaseBoard['holders']>) {
    return this.#do(() => this.inner.holders(...args));
  }
}

describe('PartitionHolder', () => {
  const holders: PartitionHolder[] = [];
  afterEach(async () => {
    await Promise.all(holders.splice(0).map((holder) => holder.stop()));
  });

  function join(member: string, board: LeaseBoard, options: Partial<PartitionHolderOptions> = {}) {
    const events: string[] = [];
    const holder = new PartitionHolder({
      board,
      group: 'g',
      member,
      resources,
      ttlMs: TTL_MS,
      minEpoch: () => 0,
      onGained: (resource, epoch) => void events.push(`+${resource}@${epoch}`),
      onLost: (resource, reason) => void events.push(`-${resource} ${reason}`),
      ...options,
    });
    holders.push(holder);
    return { holder, events };
  }
  const sizes = (...members: { holder: PartitionHolder }[]) =>
    members.map(({ holder }) => holder.held.size).join();

  test('a single member holds everything as soon as it has started', async () => {
    const board = new FlakyBoard();
    const a = join('a', board);
    await a.holder.start();
    expect([...a.holder.held.keys()]).toEqual(resources);
    expect(a.events).toEqual(resources.map((resource) => `+${resource}@1`));
    expect(await board.holders('g')).toHaveLength(8);
  });

  test('a member that joins gets its share soon, and only that share moves', async () => {
    const board = new FlakyBoard();
    const [a, b, c] = [join('a', board), join('b', board), join('c', board)];
    await a.holder.start();
    await b.holder.start();
    await eventually(() => sizes(a, b) === '4,4', 'two halves');
    expect(a.events.filter((e) => e.startsWith('-'))).toHaveLength(4);
    await c.holder.start();
    await eventually(() => sizes(a, b, c) === '3,3,2', 'three shares');
    expect([a, b].flatMap(({ events }) => events.filter((e) => e.startsWith('-')))).toHaveLength(6);
    const all = [a, b, c].flatMap(({ holder }) => [...holder.held.keys()]);
    expect(all.sort()).toEqual(resources);
  });

  test('who leaves gives everything back at once, with greater epochs for the next', async () => {
    const board = new FlakyBoard();
    const [a, b] = [join('a', board), join('b', board)];
    await Promise.all([a.holder.start(), b.holder.start()]);
    await eventually(() => sizes(a, b) === '4,4', 'two halves');
    const epochs = new Map(a.holder.held);
    await a.holder.stop();
    await eventually(() => b.holder.held.size === 8, 'the rest is taken');
    for (const [resource, epoch] of epochs) expect(b.holder.held.get(resource)).toBeGreaterThan(epoch);
    expect(a.holder.held.size).toBe(0);
    expect(await board.heartbeat('g', 'b', TTL_MS)).toEqual(['b']);
  });

  test('what a dead member held is taken over within the time to live', async () => {
    const board = new FlakyBoard();
    const [a, b] = [join('a', board), join('b', board)];
    await Promise.all([a.holder.start(), b.holder.start()]);
    await eventually(() => sizes(a, b) === '4,4', 'two halves');
    // Death: it does not renew any more, and nothing is given back.
    const silenced = silence(board, 'a');
    await eventually(() => b.holder.held.size === 8, 'everything is taken over');
    // It knew that its leases were over before anybody else could have them.
    expect(a.holder.held.size).toBe(0);
    expect(a.events.filter((e) => e.endsWith('not renewed in time'))).toHaveLength(4);
    silenced.speak();
  });

  /** Calls of one member fail from now on. */
  function silence(board: FlakyBoard, member: string) {
    const { inner } = board;
    const { heartbeat, claim } = inner;
    const refuse = async () => {
      throw new DependencyUnavailableError('silent');
    };
    inner.heartbeat = (group, name, ttl) =>
      name === member ? refuse() : heartbeat.call(inner, group, name, ttl);
    inner.claim = (group, name, wanted, ttl) =>
      name === member ? refuse() : claim.call(inner, group, name, wanted, ttl);
    return {
      speak: () => {
        inner.heartbeat = heartbeat;
        inner.claim = claim;
      },
    };
  }

  test('gives up its leases by its own clock before the board does', async () => {
    const board = new FlakyBoard();
    let lostAt = 0;
    const a = join('a', board, {
      onLost: () => {
        lostAt ||= performance.now();
      },
    });
    await a.holder.start();
    board.away = true;
    let freeAt = 0;
    await eventually(async () => {
      if ((await board.inner.holders('g')).length === 0) freeAt = performance.now();
      return freeAt > 0;
    }, 'the board gives them up');
    expect(lostAt).toBeGreaterThan(0);
    expect(lostAt).toBeLessThan(freeAt);
    expect(a.holder.held.size).toBe(0);
  });

  test('comes back by itself when the board was away, also when it was away at the start', async () => {
    const board = new FlakyBoard();
    board.away = true;
    const a = join('a', board);
    await a.holder.start();
    expect(a.holder.held.size).toBe(0);
    board.away = false;
    await eventually(() => a.holder.held.size === 8, 'everything is held');
    board.away = true;
    await eventually(() => a.holder.held.size === 0, 'everything is given up');
    board.away = false;
    await eventually(() => a.holder.held.size === 8, 'everything is held again');
  });

  test('keeps everything through a short absence of the board', async () => {
    const board = new FlakyBoard();
    const a = join('a', board);
    await a.holder.start();
    board.away = true;
    const before = board.calls;
    await eventually(() => board.calls >= before + 2, 'two rounds have failed');
    board.away = false;
    const since = board.calls;
    await eventually(() => board.calls >= since + 6, 'two rounds have passed');
    expect(a.events).toHaveLength(8);
  });

  test('believes no answer that comes too late', async () => {
    const board = new FlakyBoard();
    const a = join('a', board);
    await a.holder.start();
    let letGo: () => void = () => {};
    board.hang = new Promise((resolve) => {
      letGo = resolve;
    });
    await eventually(() => a.holder.held.size === 0, 'the leases are given up');
    await eventually(async () => (await board.inner.holders('g')).length === 0, 'the board frees them');
    const [other] = await board.inner.claim('g', 'other', [{ resource: 'p0', minEpoch: 0 }], 60_000);
    board.hang = undefined;
    letGo();
    await eventually(() => a.holder.held.size === 7, 'what is free is held again');
    expect(a.holder.held.has('p0')).toBe(false);
    expect(other!.epoch).toBe(2);
  });

  test('gives a partition away only when its work is done', async () => {
    const board = new FlakyBoard();
    const done: (() => void)[] = [];
    const a = join('a', board, { onLost: () => new Promise<void>((resolve) => void done.push(resolve)) });
    const b = join('b', board);
    await a.holder.start();
    await b.holder.start();
    await eventually(() => done.length === 4, 'a is asked for four');
    const calls = board.calls;
    await eventually(() => board.calls > calls + 30, 'many rounds have passed');
    expect(sizes(a, b)).toBe('4,0');
    expect(await board.holders('g')).toHaveLength(8);
    done[0]!();
    await eventually(() => b.holder.held.size === 1, 'the one that is done');
    for (const end of done) end();
    await eventually(() => sizes(a, b) === '4,4', 'two halves');
    const stopped = a.holder.stop();
    await eventually(() => done.length === 8, 'the rest is asked for');
    for (const end of done) end();
    await stopped;
  });

  test('a new process under the name of a dead one gets new epochs at once', async () => {
    const board = new FlakyBoard();
    await board.claim('g', 'a', [{ resource: 'p0', minEpoch: 0 }], 60_000);
    const a = join('a', board, { minEpoch: (resource) => (resource === 'p1' ? 9 : 0) });
    await a.holder.start();
    expect(a.holder.held.get('p0')).toBe(2);
    expect(a.holder.held.get('p1')).toBe(10);
    expect(a.holder.held.size).toBe(8);
  });

  test('gives back what it could not take up, and tries again', async () => {
    const board = new FlakyBoard();
    let broken = true;
    const errors: unknown[] = [];
    const a = join('a', board, {
      onGained: (resource) => {
        if (resource === 'p3' && broken) throw new Error('no database');
      },
      onError: (error) => void errors.push(error),
    });
    await a.holder.start();
    expect(a.holder.held.size).toBe(7);
    expect(String(errors[0])).toContain('no database');
    broken = false;
    await eventually(() => a.holder.held.size === 8, 'taken up after all');
  });

  test('claims again what was dropped, with an epoch above what the data says', async () => {
    const board = new FlakyBoard();
    const known = new Map<string, number>();
    const a = join('a', board, { minEpoch: (resource) => known.get(resource) ?? 0 });
    await a.holder.start();
    known.set('p2', 7);
    a.holder.drop('p2');
    expect(a.holder.held.has('p2')).toBe(false);
    await eventually(() => a.holder.held.get('p2') === 8, 'held with a greater epoch');
  });

  test('never lets two members hold one partition, whoever comes and goes', async () => {
    const board = new FlakyBoard();
    const owners = new Map<string, string>();
    const clashes: string[] = [];
    const member = (name: string) =>
      join(name, board, {
        onGained: (resource) => {
          if (owners.has(resource)) clashes.push(`${resource}: ${owners.get(resource)} and ${name}`);
          owners.set(resource, name);
        },
        onLost: (resource) => void owners.delete(resource),
      });
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(member) as [
      ReturnType<typeof join>,
      ReturnType<typeof join>,
      ReturnType<typeof join>,
      ReturnType<typeof join>,
    ];
    await Promise.all([a, b, c].map(({ holder }) => holder.start()));
    await eventually(() => owners.size === 8, 'all held');
    await Promise.all([b.holder.stop(), d.holder.start()]);
    await eventually(() => sizes(a, c, d).split(',').sort().join() === '2,3,3', 'three shares');
    await Promise.all([a.holder.stop(), c.holder.stop()]);
    await eventually(() => d.holder.held.size === 8, 'one is left');
    expect(clashes).toEqual([]);
  });
});

test('shares differ by one at most, add up, and move nothing that need not move', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 64 }),
      fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 9 }),
      fc.array(fc.nat(20)),
      (total, members, held) => {
        const counts = new Map(members.map((member, i) => [member, held[i] ?? 0]));
        const shares = fairShares(total, members, counts);
        const sizes = [...shares.values()];
        expect(sizes.reduce((x, y) => x + y, 0)).toBe(total);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(fairShares(total, [...members].reverse(), shares)).toEqual(shares);
      },
    ),
  );
});
