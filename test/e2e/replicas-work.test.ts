// How replicas share their work out: leases of partitions that move when one dies, is paused, joins or leaves; nothing lost, nothing twice.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { partitionOf } from '../../src/bus/partition.ts';
import { walkBars } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { POSTGRES_BIN, TestPostgres } from '../support/postgres.ts';
import { REDIS_SERVER, TestRedis } from '../support/redis.ts';
import { barsFile, type ListedEngine, nautilus, TestSystem } from '../support/system.ts';
import { Valuations } from '../support/valuations.ts';

setDefaultTimeout(90_000);

const LEASE_MS = 1500;

interface Replica extends ListedEngine {
  readonly replica: number;
  readonly private_port: number;
  readonly partitions: readonly number[] | null;
}

const replicasOf = async (system: TestSystem) =>
  ((await system.engines()) as Replica[]).filter((e) => e.name === 'analytics');

/** What a replica holds by its own account; empty when it does not answer. */
async function heldBy({ private_port }: Replica): Promise<readonly number[]> {
  const url = `http://127.0.0.1:${private_port}/system/status`;
  const reply = await fetch(url, { signal: AbortSignal.timeout(1000), keepalive: false }).catch(() => null);
  return reply ? ((await reply.json()) as { partitions: number[] }).partitions : [];
}

/** The replicas of a list that is asked for anew each time: a replica that has started again has another port. */
type Replicas = () => Promise<Replica[]>;

/** Resolves once these replicas hold all partitions, in shares of the same size give or take one; returns the milliseconds. */
async function sharedOut(replicas: Replicas): Promise<number> {
  const began = performance.now();
  await eventually(async () => {
    const held = await Promise.all((await replicas()).map(heldBy));
    const sizes = held.map((h) => h.length);
    return new Set(held.flat()).size === 8 && Math.max(...sizes) - Math.min(...sizes) <= 1;
  }, '8 partitions in fair shares');
  return Math.round(performance.now() - began);
}

/** Lets a paused process go on, unless the supervisor has ended it: one paused in a transaction keeps all others waiting until then. */
function resume(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch (error) {
    if ((error as { code?: string }).code !== 'ESRCH') throw error;
  }
}

/** Those replicas of a system whose processes run: neither dead nor paused by the test. */
const running = async (system: TestSystem, without?: Replica) =>
  (await replicasOf(system)).filter(({ health, pid }) => health === 'healthy' && pid !== without?.pid);

const ways: [name: string, present: boolean, env: Record<string, string>][] = [
  ['the hub', true, {}],
  ['the hub, with a proxy', true, { NAUTILUS_REPLICA_PROXY: 'true' }],
  ['Redis', REDIS_SERVER !== null, { NAUTILUS_REPLICA_PROXY: 'false' }],
];

describe.each(ways)('three replicas over %s', (name, present, more) => {
  let system: TestSystem;
  let redis: TestRedis | undefined;
  let port: number;
  beforeAll(async () => {
    if (!present) return;
    const env: Record<string, string> = { NAUTILUS_LEASE_MS: String(LEASE_MS), ...more };
    if (name === 'Redis') {
      redis = await TestRedis.start();
      env.REDIS_URL = redis.url;
    }
    system = await TestSystem.start(['--only', 'analytics', '--replicas', 'analytics=3'], env);
    port = (await replicasOf(system))[0]!.port;
    await sharedOut(() => replicasOf(system));
  });
  afterAll(async () => {
    await system?.stop();
    await redis?.stop();
  });

  test.skipIf(!present)('are listed with what they hold', async () => {
    const replicas = await replicasOf(system);
    expect(replicas.flatMap((r) => r.partitions!).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const { stdout } = await system.run(['ps']);
    expect(stdout).toContain('PARTITIONS');
    for (const { replica, partitions } of replicas) {
      expect(stdout).toMatch(new RegExp(`analytics\\.${replica} .*${partitions!.join(' ')}`));
    }
  });

  test.skipIf(!present)(
    'measure what one engine does, although one is killed and another one paused',
    async () => {
      const valuations = await Valuations.start(system);
      await valuations.more(50);
      const [, second, third] = (await replicasOf(system)) as [Replica, Replica, Replica];
      process.kill(second.pid, 'SIGKILL');
      // By the two others, or already by the process that came after the killed one.
      const killed = await sharedOut(() => running(system, second));
      await eventually(async () => (await replicasOf(system))[1]!.health === 'healthy', 'the restart');
      const back = await sharedOut(() => replicasOf(system));

      process.kill(third.pid, 'SIGSTOP');
      const paused = await sharedOut(() => running(system, third));
      await valuations.more(50);
      resume(third.pid);
      const resumed = await sharedOut(() => replicasOf(system));
      await valuations.more(50);
      console.log(
        `${name}: taken over ${killed} ms after kill -9 and ${paused} ms after a pause, shared out again ${back} and ${resumed} ms after the return`,
      );
      await valuations.compare(port);
    },
  );
});

describe('a replay with replicas', () => {
  const folder = mkdtempSync(join(tmpdir(), 'replicas-'));
  const walk = barsFile(folder, walkBars('X', 3000));
  const args = ['replay', walk, '--symbol', 'BTC-PERP', '--json'];
  let system: TestSystem;
  beforeAll(async () => {
    const env = { NAUTILUS_LEASE_MS: String(LEASE_MS) };
    system = await TestSystem.start(['--replicas', 'analytics=3'], env);
    await sharedOut(() => replicasOf(system));
  });
  afterAll(async () => {
    await system.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts a slow replay, kills a replica that takes part in it or not, and returns how the replay ended. */
  async function killedIn(portfolio_id: string, takesPart: boolean) {
    const replicas = await replicasOf(system);
    const isHolder = (r: Replica) => r.partitions!.includes(partitionOf(portfolio_id));
    const victim = replicas.find((r) => isHolder(r) === takesPart)!;
    const slow = { symbol: 'BTC-PERP', portfolio_id, barrier_bars: 4, in_flight: 2 };
    let replay = (await system.post('marketdata', '/replays', slow)).body;
    await eventually(async () => {
      replay = (await system.request('marketdata', replay.progress_url)).body;
      return replay.events_done > 0;
    }, 'the first bars');
    process.kill(victim.pid, 'SIGKILL');
    await eventually(async () => {
      replay = (await system.request('marketdata', replay.progress_url)).body;
      return replay.state !== 'running';
    }, 'its end');
    return replay;
  }

  test('has the same outcome as without', async () => {
    const alone = await nautilus([...args, '--in-process']);
    const replay = await system.run(args);
    expect([replay.code, replay.stderr]).toEqual([0, '']);
    const [result, expected] = [JSON.parse(replay.stdout), JSON.parse(alone.stdout)];
    expect([result.result_hash, result.pnl]).toEqual([expected.result_hash, expected.pnl]);
    const measured = await system.post('analytics', '/analytics/calculate/portfolio_001');
    expect(measured.body).toMatchObject({ equity: expected.pnl.equity, observations: 3000 });
  });

  test('goes on when a replica dies that takes no part in it', async () => {
    expect(await killedIn('portfolio_b', false)).toMatchObject({ state: 'done', error: null });
    const measured = await system.post('analytics', '/analytics/calculate/portfolio_b');
    expect(measured.body).toMatchObject({ observations: 3000 });
  });

  test('fails and says so when the one dies that does, and can be started again at once', async () => {
    await sharedOut(() => replicasOf(system));
    const failed = await killedIn('portfolio_c', true);
    expect(failed).toMatchObject({ state: 'failed', result: null });
    expect(failed.error.detail).toContain('Engine analytics stopped during the replay');
    const again = await system.run([...args, '--portfolio', 'portfolio_c', '--reset']);
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect((await system.post('analytics', '/analytics/calculate/portfolio_c')).body).toMatchObject({
      observations: 3000,
    });
  });
});

const severalHosts = REDIS_SERVER !== null && POSTGRES_BIN !== null;
test.skipIf(!severalHosts)(
  'replicas under two supervisors share the work, and one end of it is enough',
  async () => {
    const [redis, postgres] = await Promise.all([TestRedis.start(), TestPostgres.start()]);
    const env = { NAUTILUS_LEASE_MS: String(LEASE_MS), REDIS_URL: redis.url, DATABASE_URL: postgres.url };
    const host = (first: number) =>
      TestSystem.start(['--only', 'analytics', '--replicas', 'analytics=2'], {
        ...env,
        NAUTILUS_REPLICA_FIRST: String(first),
      });
    const here = await host(0);
    const there = await host(2);
    try {
      const [ours, theirs] = await Promise.all([replicasOf(here), replicasOf(there)]);
      expect([...ours, ...theirs].map((r) => r.replica)).toEqual([0, 1, 2, 3]);
      await sharedOut(async () => [...ours, ...theirs]);
      const valuations = await Valuations.start(here);
      await valuations.more(50);
      there.kill('SIGKILL');
      for (const { pid } of theirs) process.kill(pid, 'SIGKILL');
      await sharedOut(async () => ours);
      await valuations.more(20);
      await valuations.compare(ours[0]!.port);
    } finally {
      await Promise.all([here.stop(), there.stop()]);
      await Promise.all([redis.stop(), postgres.stop()]);
    }
  },
);
