// Models in child processes: the same bits in any company, and an answer for everybody whatever happens to a process.
import { afterEach, describe, expect, test } from 'bun:test';
import { existsSync, readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import fc from 'fast-check';
import { openSession } from '../../../src/onnx/session.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { NICENESS } from './limits.ts';
import type { ModelPool } from './pool.ts';
import type { PooledModel } from './task.ts';
import {
  COLUMNS,
  graphOf,
  memoryHungry,
  mixesRows,
  network,
  pooled,
  poolOf,
  someRows,
} from './test-models.ts';

const LONG = { timeoutMs: 60_000 };
const KNOWN = { floor: 1, oneRowUs: 1, mostRowsUs: 1, mostRows: 64, wholeRows: 64 } as const;
// Tens of milliseconds for a row on any machine of today: long enough to be found running. Its profile is given, to save the time.
const slow = (layers = 40, over: Partial<PooledModel> = {}) =>
  pooled(network(layers, 1024), { profile: KNOWN, width: 2, maxRows: 1, ...over });

let open: ModelPool[] = [];
const start = (over?: Parameters<typeof poolOf>[0]) => {
  const made = poolOf(over);
  open.push(made.pool);
  return made;
};
afterEach(async () => {
  await Promise.all(open.map((pool) => pool.close()));
  open = [];
});

const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error) => error,
  );

describe('a batch', () => {
  test('gives each request the bits that its rows have alone, whatever shares the run', async () => {
    const { pool, log } = start();
    const bytes = network(2, 33, 3);
    const model = pooled(bytes);
    await pool.prepare(model, LONG);
    const { floor } = model.profile!;
    expect(floor).not.toBeNull();
    const session = await openSession(bytes);
    const alone = async (rows: Float32Array, count: number) => {
      const output: number[] = [];
      for (let row = 0; row < count; row++) {
        const filled = new Float32Array(floor! * COLUMNS);
        for (let i = 0; i < floor!; i++)
          filled.set(rows.subarray(row * COLUMNS, (row + 1) * COLUMNS), i * COLUMNS);
        output.push(...(await session.predict(filled, floor!)).subarray(0, 3));
      }
      return output;
    };
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 24 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 0, max: 1000 }), async (counts, seed) => {
        const requests = counts.map((count, i) => ({ count, rows: someRows(count, seed + i) }));
        const results = await Promise.all(
          requests.map(({ rows, count }) => pool.run(model, rows, count, LONG)),
        );
        for (const [i, { rows, count }] of requests.entries())
          expect([...results[i]!.output]).toEqual(await alone(rows, count));
      }),
      { numRuns: 25 },
    );
    expect(Math.max(...log.batches.map(({ requests }) => requests))).toBeGreaterThan(1);
    expect(Math.max(...log.batches.map(({ rows }) => rows))).toBeLessThanOrEqual(model.maxRows);
    await session.close();
  }, 120_000);

  test('of a model whose rows influence each other has one request only', async () => {
    const { pool, log } = start();
    const model = pooled(mixesRows());
    await pool.prepare(model, LONG);
    expect(model.profile!.floor).toBeNull();
    const rows = Float32Array.of(1, 2, 3, 10, 20, 30);
    const results = await Promise.all([1, 2, 3].map(() => pool.run(model, rows, 2, LONG)));
    for (const { output } of results) expect([...output]).toEqual([12, 24, 36, 21, 42, 63]);
    expect(log.batches.map(({ requests }) => requests)).toEqual([1, 1, 1]);
  });

  test('waits for company as long as it may', async () => {
    const { pool, log } = start({ delayUs: 100_000 });
    const model = pooled(network(1, 8));
    await pool.prepare(model, LONG);
    const first = pool.run(model, someRows(1), 1, LONG);
    await new Promise((resolve) => setTimeout(resolve, 1));
    await Promise.all([first, pool.run(model, someRows(2), 2, LONG)]);
    expect(log.batches).toEqual([{ requests: 2, rows: 3 }]);
  });

  test('that is full does not wait', async () => {
    const { pool, log } = start({ delayUs: 100_000 });
    const model = pooled(network(1, 8), { maxRows: 4 });
    await pool.prepare(model, LONG);
    await Promise.all([1, 2, 3, 4].map((i) => pool.run(model, someRows(2, i), 2, LONG)));
    expect(log.batches).toEqual([
      { requests: 2, rows: 4 },
      { requests: 2, rows: 4 },
    ]);
  });

  test('that fails is run again one by one, so that only what is to blame fails', async () => {
    const { pool } = start();
    // A row asks for the element at its first column of two: others are out of range, and the whole run with them.
    const nodes = [
      { op: 'Slice', inputs: ['input', 'zero', 'one', 'axis'], outputs: ['first'] },
      { op: 'Cast', inputs: ['first'], outputs: ['index'], attributes: { to: { int: 7 } } },
      { op: 'Gather', inputs: ['table', 'index'], outputs: ['output'] },
    ];
    const int = (name: string, value: bigint) =>
      ({ name, type: 'int64', dims: [1], data: BigInt64Array.of(value) }) as const;
    const table = { name: 'table', type: 'float32', dims: [2], data: Float32Array.of(5, 6) } as const;
    const model = pooled(graphOf(nodes, [int('zero', 0n), int('one', 1n), int('axis', 1n), table], 1), {
      profile: KNOWN,
      width: 1,
    });
    // Its profile is given: the rows that are measured with would be out of range.
    const row = (index: number) => Float32Array.of(index, 0, 0);
    await pool.prepare(model, LONG);
    const busy = pool.run(model, row(0), 1, LONG);
    const results = await Promise.all(
      [row(1), row(7), row(0)].map((one) => caughtOr(pool.run(model, one, 1, LONG))),
    );
    expect([...(await busy).output]).toEqual([5]);
    expect(results).toEqual([[6], 'invalid-model', [5]]);
  });
});

const caughtOr = (promise: Promise<{ output: Float32Array }>) =>
  promise.then(
    ({ output }) => [...output],
    (error) => error.slug,
  );

describe('a process', () => {
  test('that is killed in the middle is replaced, and every request is answered once with its own rows', async () => {
    const { pool, log } = start();
    const model = slow(40, { maxRows: 2 });
    await pool.prepare(model, LONG);
    const [first] = pool.pids;
    const expected = await Promise.all([0, 1, 2].map((i) => pool.run(model, someRows(1, i), 1, LONG)));
    const running = [0, 1, 2].map((i) => pool.run(model, someRows(1, i), 1, LONG));
    process.kill(first!, 'SIGKILL');
    const results = await Promise.all(running);
    for (const [i, { output }] of results.entries()) expect([...output]).toEqual([...expected[i]!.output]);
    expect(log).toMatchObject({ lost: ['died'], retried: 1, aside: [] });
    expect(pool.pids).not.toContain(first!);
  }, 120_000);

  test('that is killed while it is idle is replaced, however soon the next request comes', async () => {
    const { pool, log } = start();
    const model = pooled(network(1, 8));
    await pool.prepare(model, LONG);
    const { output } = await pool.run(model, someRows(1), 1, LONG);
    for (let turns = 0; turns < 6; turns++) {
      process.kill(pool.pids[0]!, 'SIGKILL');
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect((await pool.run(model, someRows(1), 1, LONG)).output).toEqual(output);
    }
    expect(log.aside).toEqual([]);
  }, 120_000);

  test('that is killed twice with one request fails it and sets the model aside', async () => {
    const { pool, log } = start();
    // Long enough that the second process, too, is found at work.
    const model = slow(200);
    await pool.prepare(model, LONG);
    const running = caught(pool.run(model, someRows(1), 1, LONG));
    for (const losses of [1, 2]) {
      process.kill(pool.pids[0]!, 'SIGKILL');
      await eventually(() => log.lost.length === losses, `loss ${losses}`);
      if (losses === 1) await eventually(() => pool.pids.length === 1, 'another process', 60_000);
    }
    expect(await running).toMatchObject({ slug: 'dependency-unavailable', status: 503 });
    expect(log).toMatchObject({ retried: 1, aside: [model.key] });
  }, 120_000);

  test('is ended for a model that takes too much memory, and only the request to blame hears of it', async () => {
    const { pool, log } = start({ processBytes: 400 * 2 ** 20 });
    // Two rows take 2 x 1 MiB, a thousand take 1 GiB.
    const model = pooled(memoryHungry(512), { maxRows: 1024, profile: KNOWN, width: 512 });
    await pool.prepare(model, LONG);
    const [small, big] = await Promise.all([
      pool.run(model, someRows(1), 1, LONG),
      caught(pool.run(model, someRows(1000), 1000, LONG)),
    ]);
    expect(small.output).toHaveLength(512);
    expect(big).toMatchObject({ slug: 'model-limit', status: 422, extras: { retry_after_s: 30 } });
    expect(log).toMatchObject({ lost: ['memory'], aside: [model.key] });
    expect((await pool.run(model, someRows(1), 1, LONG)).output).toHaveLength(512);
  }, 120_000);

  test('is ended when the time of all its requests is over, and the next one is served by another', async () => {
    const { pool, log } = start();
    const endless = pooled(network(4000, 1024));
    // A process that runs already: the start of one is not the model's fault.
    const quick = pooled(network(1, 8));
    await pool.prepare(quick, LONG);
    const error = await caught(pool.prepare(endless, { timeoutMs: 1500 }));
    expect(error).toMatchObject({ slug: 'deadline-exceeded', status: 504 });
    expect((await pool.run(quick, someRows(1), 1, LONG)).output).toHaveLength(2);
    expect(log.lost).toEqual(['time']);
    expect(log.aside).toEqual([endless.key]);
  }, 120_000);

  test('yields to the engine', async () => {
    const { pool } = start();
    await pool.prepare(pooled(network(1, 8)), LONG);
    expect(getPriority(pool.pids[0]!)).toBe(Math.min(19, getPriority() + NICENESS));
  });

  test('leaves no file behind', async () => {
    const { pool } = start();
    await pool.prepare(pooled(network(1, 8)), LONG);
    if (!existsSync('/dev/shm')) return;
    expect(readdirSync('/dev/shm').filter((name) => name.startsWith(`nautilus-${process.pid}-`))).toEqual([]);
  });
});

describe('the queue', () => {
  test('refuses more requests than may wait, and says when to come back', async () => {
    const { pool } = start({ maxWaiting: 2 });
    const model = slow();
    await pool.prepare(model, LONG);
    const running = [0, 1, 2].map((i) => pool.run(model, someRows(1, i), 1, LONG));
    const refused = await caught(pool.run(model, someRows(1), 1, LONG));
    expect(refused).toMatchObject({ slug: 'overloaded', status: 503 });
    expect(refused.extras.retry_after_s).toBeGreaterThanOrEqual(1);
    expect(await Promise.all(running)).toHaveLength(3);
  }, 120_000);

  test('lets go of who gives up and of whose time is over, and the others are served', async () => {
    const { pool } = start();
    const model = slow();
    await pool.prepare(model, LONG);
    const busy = pool.run(model, someRows(1), 1, LONG);
    const stop = new AbortController();
    const cancelled = caught(pool.run(model, someRows(1, 1), 1, { ...LONG, signal: stop.signal }));
    const late = caught(pool.run(model, someRows(1, 2), 1, { timeoutMs: 1 }));
    const last = pool.run(model, someRows(1, 3), 1, LONG);
    expect(pool.waiting).toBe(3);
    stop.abort();
    expect(await cancelled).toMatchObject({ slug: 'cancelled', status: 499 });
    expect(await late).toMatchObject({ slug: 'deadline-exceeded' });
    expect(pool.waiting).toBe(1);
    expect((await Promise.all([busy, last])).map(({ output }) => output.length)).toEqual([2, 2]);
    const gone = caught(pool.run(model, someRows(1), 1, { ...LONG, signal: AbortSignal.abort() }));
    expect(await gone).toMatchObject({ slug: 'cancelled' });
  }, 120_000);

  test('of a retired model is answered first, then the model is freed', async () => {
    const { pool } = start();
    const model = slow();
    await pool.prepare(model, LONG);
    const running = [0, 1].map((i) => pool.run(model, someRows(1, i), 1, LONG));
    pool.retire(model);
    expect((await Promise.all(running)).map(({ output }) => output.length)).toEqual([2, 2]);
    // A late call of somebody who still has it opens it again.
    expect((await pool.run(model, someRows(1), 1, LONG)).output).toHaveLength(2);
  }, 120_000);

  test('is answered when the pool is closed in the middle', async () => {
    const { pool } = start();
    const model = slow();
    await pool.prepare(model, LONG);
    const running = [0, 1, 2].map((i) => caught(pool.run(model, someRows(1, i), 1, LONG)));
    await pool.close();
    for (const error of await Promise.all(running)) expect(error).toMatchObject({ slug: 'conflict' });
    expect(await caught(pool.run(model, someRows(1), 1, LONG))).toMatchObject({ slug: 'conflict' });
  }, 120_000);
});
