// The nine engines over a real Redis Cluster: the same replay as in one process, and the system back after a failover.
import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedData } from '../shared-data.ts';
import { walkBars } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { HAS_CLUSTER, TestCluster } from '../support/redis-cluster.ts';
import { barsFile, nautilus, TestSystem } from '../support/system.ts';

setDefaultTimeout(120_000);

interface Result {
  readonly events: number;
  readonly fills: number;
  readonly pnl: Record<string, string>;
  readonly bars_per_s: number;
  readonly result_hash: string;
}

describe.skipIf(!HAS_CLUSTER)('nine engines over a Redis Cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'redis-cluster-e2e-'));
  const walk = barsFile(folder, walkBars('X', 3000));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function replay(file: string, env: Record<string, string>, ...args: string[]): Promise<Result> {
    const { code, stdout, stderr } = await nautilus(
      ['replay', file, '--symbol', 'BTC-PERP', '--json', ...args],
      env,
    );
    expect([code, stderr]).toEqual([0, '']);
    return JSON.parse(stdout) as Result;
  }

  test('replay to the same hash as in one process, for any barrier, two at a time, on different nodes', async () => {
    const cluster = await TestCluster.start();
    try {
      const here = await replay(walk, {}, '--in-process');
      const [one, other] = await Promise.all([
        replay(walk, cluster.env, '--isolated'),
        replay(walk, cluster.env, '--isolated', '--barrier', '1000', '--in-flight', '2'),
      ]);
      const small = await replay(walk, cluster.env, '--isolated', '--barrier', '3', '--in-flight', '16');
      expect([one, other, small].map((r) => r.result_hash)).toEqual(Array(3).fill(here.result_hash));
      expect(one).toMatchObject({ events: 3000, fills: here.fills, pnl: here.pnl });
    } finally {
      await cluster.stop();
    }
  });

  const btc = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');
  test.skipIf(btc === null)('replay 45,031 real bars to the same hash as in one process', async () => {
    const cluster = await TestCluster.start();
    try {
      const over = await replay(btc!, cluster.env, '--isolated');
      const here = await replay(btc!, {}, '--in-process');
      expect(over).toMatchObject({ events: 45_031, result_hash: here.result_hash, pnl: here.pnl });
      console.log(`${over.bars_per_s} bars/s over a Redis Cluster, ${here.bars_per_s} in one process`);
    } finally {
      await cluster.stop();
    }
  });

  test('are all healthy again unaided after the node that carries the messages was killed, with the market moving', async () => {
    const cluster = await TestCluster.start({ replicas: 3 });
    const market = { NAUTILUS_FEED: 'simulated', NAUTILUS_FEED_INTERVAL_MS: '50' };
    let system: TestSystem | undefined;
    try {
      const running = await TestSystem.start([], { ...cluster.env, ...market });
      system = running;
      const all = (status: string) => async () => {
        const healths = await Promise.all(
          (await running.engines()).map(async ({ port }) =>
            (await fetch(`http://127.0.0.1:${port}/health`)).json(),
          ),
        );
        return healths.length === 9 && healths.every((h) => h.status === status && h.messagebus === 'redis');
      };
      await eventually(all('healthy'), 'nine healthy engines');
      const pids = (await running.engines()).map((e) => e.pid);
      await (await cluster.ownerOf('nautilus:bus')).kill();
      await eventually(all('degraded'), 'nine engines that say so');
      const gone = performance.now();
      await eventually(all('healthy'), 'nine healthy engines again');
      console.log(`healthy again ${Math.round(performance.now() - gone)} ms after they noticed the loss`);
      expect((await running.engines()).map((e) => e.pid)).toEqual(pids);
      const seen = async () => JSON.stringify((await running.request('websocket', '/snapshot')).body);
      const before = await seen();
      await eventually(async () => (await seen()) !== before, 'the page moves again');
    } finally {
      await system?.stop();
      await cluster.stop();
    }
  });
});
