// Several processes of one engine behind one port, and what the supervisor does about processes that die or hang.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { isAlive } from '../../src/cli/run-file.ts';
import { eventually } from '../support/eventually.ts';
import { type ListedEngine, nautilus, TestSystem } from '../support/system.ts';

setDefaultTimeout(60_000);

interface Replica extends ListedEngine {
  readonly replica: number | null;
  readonly private_port: number | null;
  readonly partitions: readonly number[] | null;
}

const replicasOf = async (system: TestSystem) =>
  ((await system.engines()) as Replica[]).filter((e) => e.name === 'analytics');

/** Asks over a connection of its own; null when the connection breaks. */
async function ask(port: number, path = '/system/status') {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { keepalive: false });
    return { status: response.status, body: (await response.json()) as { pid: number } };
  } catch {
    return null;
  }
}

/** Requests of some clients, one after the other each, until it is stopped. */
class Load {
  readonly clients = 6;
  answered = 0;
  /** When connections broke. */
  readonly broken: number[] = [];
  #on = true;
  readonly #done: Promise<unknown>;

  constructor(port: number, path?: string) {
    this.#done = Promise.all(Array.from({ length: this.clients }, () => this.#client(port, path)));
  }

  async more(requests: number): Promise<void> {
    const goal = this.answered + requests;
    await eventually(() => this.answered >= goal, `${requests} more replies`);
  }

  async stop(): Promise<void> {
    this.#on = false;
    await this.#done;
  }

  async #client(port: number, path?: string): Promise<void> {
    while (this.#on) {
      const reply = await ask(port, path);
      if (!this.#on) return;
      if (reply) expect(reply.status).toBe(200);
      if (reply) this.answered++;
      else this.broken.push(performance.now());
    }
  }
}

const ways = [
  ['a proxy', 'true'] as const,
  ...(process.platform === 'linux' ? [['the kernel', 'false'] as const] : []),
];

describe.each(ways)('three replicas behind %s', (_, proxy) => {
  let system: TestSystem;
  let port: number;
  beforeAll(async () => {
    system = await TestSystem.start(['--only', 'analytics', '--replicas', 'analytics=3'], {
      NAUTILUS_REPLICA_PROXY: proxy,
      NAUTILUS_HANG_S: '2',
    });
    port = (await replicasOf(system))[0]!.port;
  });
  afterAll(() => system.stop());

  test('are listed one by one, with one port and a private one each, and answer there', async () => {
    const replicas = await replicasOf(system);
    expect(replicas.map((r) => [r.replica, r.port, r.health])).toEqual(
      [0, 1, 2].map((n) => [n, port, 'healthy']),
    );
    for (const { pid, private_port, replica } of replicas) {
      expect((await ask(private_port!))!.body).toMatchObject({ pid, replica, port });
    }
    const { stdout } = await system.run(['ps']);
    for (const n of [0, 1, 2]) expect(stdout).toContain(`analytics.${n}`);
    expect(await (await fetch(`http://127.0.0.1:${replicas[1]!.private_port}/metrics`)).text()).toContain(
      'nautilus_bus_connected{engine="analytics",replica="1"} 1',
    );
  });

  test('share the requests', async () => {
    const pids = new Map<number, number>();
    for (let i = 0; i < 60; i++) {
      const { pid } = (await ask(port))!.body;
      pids.set(pid, (pids.get(pid) ?? 0) + 1);
    }
    expect([...pids.keys()].sort()).toEqual((await replicasOf(system)).map((r) => r.pid).sort());
    console.log(`60 requests over 3 replicas: ${[...pids.values()].join(', ')}`);
  });

  test('go on answering when one is killed: no more breaks than the connections it had', async () => {
    const load = new Load(port);
    await load.more(100);
    expect(load.broken).toEqual([]);
    const [, victim] = await replicasOf(system);
    const killed = performance.now();
    process.kill(victim!.pid, 'SIGKILL');
    await load.more(200);
    await eventually(async () => (await replicasOf(system))[1]!.restarts === 1, 'the restart');
    await eventually(async () => (await replicasOf(system))[1]!.health === 'healthy', 'its health');
    await load.more(100);
    await load.stop();
    const { length } = load.broken;
    const lastMs = Math.round(Math.max(0, ...load.broken.map((at) => at - killed)));
    console.log(
      `${load.answered} replies, ${length} broken connections, the last ${lastMs} ms after the kill`,
    );
    expect(length).toBeLessThanOrEqual(load.clients);
    expect(lastMs).toBeLessThan(10_000);
    expect(new Set((await replicasOf(system)).map((r) => r.pid)).size).toBe(3);
  });

  test('are killed and started again when they hang, also when they are stopped by a signal', async () => {
    const before = (await replicasOf(system))[2]!;
    process.kill(before.pid, 'SIGSTOP');
    await eventually(async () => (await replicasOf(system))[2]!.restarts === 1, 'the restart');
    await eventually(async () => (await replicasOf(system))[2]!.health === 'healthy', 'its health');
    const lines = system.log.split('\n').filter((line) => line.includes('engine hangs'));
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { about: 'analytics.2', pid: before.pid, silent_s: 2 },
    ]);
  });

  test.skipIf(proxy === 'true')(
    'all stay, although the supervisor itself was paused for longer',
    async () => {
      const pids = (await replicasOf(system)).map((r) => r.pid);
      system.kill('SIGSTOP');
      // The pause itself is what is tested.
      await Bun.sleep(3500);
      system.kill('SIGCONT');
      await Bun.sleep(1200);
      expect((await replicasOf(system)).map((r) => r.pid)).toEqual(pids);
    },
  );
});

test('an engine whose event loop never comes back is killed and started again', async () => {
  const { Child } = await import('../../src/cli/child.ts');
  const { createLog } = await import('../../src/core/log.ts');
  const script = `
    process.send({ type: 'ready', port: 1, privatePort: null });
    setInterval(() => {}, 1000);
    if (process.env.NAUTILUS_REPLICA_PORT !== 'again') setTimeout(() => { for (;;) {} }, 50);
  `;
  const states: string[] = [];
  const child: InstanceType<typeof Child> = new Child({
    engine: 'ml',
    replica: undefined,
    label: 'ml',
    command: ['-e', script],
    env: process.env,
    events: { changed: () => states.push(child.state), lifecycle: () => {} },
    log: createLog('test', 'silent'),
    onLine: () => {},
    hangS: 2,
  });
  await child.start();
  const { pid } = child;
  child.extraEnv.NAUTILUS_REPLICA_PORT = 'again';
  for (let i = 0; i < 3; i++) child.tick();
  await eventually(() => child.restarts === 1 && child.state === 'running', 'the restart');
  expect(child.pid).not.toBe(pid);
  await child.stop(100);
});

describe('replicas are refused', () => {
  const cases: [string[], string][] = [
    [['--replicas', 'portfolio=2'], 'Expected replicas of analytics only, was portfolio'],
    [['--replicas', 'analytics=2', '--in-process'], 'Expected no replicas with --in-process'],
    [['--replicas', 'analytics=0'], '1 to 64 replicas'],
    [['--replicas', 'analytics=2,analytics=3'], 'name each engine once'],
    [['--replicas', 'analitics=2'], 'Expected engines among'],
    [['--replicas', 'analytics=2', '--only', 'risk'], 'Expected replicas of engines that are started'],
  ];
  test.each(cases)('%p', async (args, reason) => {
    const { code, stderr } = await nautilus(['up', ...args], { NAUTILUS_DATA_DIR: '/nonexistent' });
    expect([code, stderr]).toEqual([2, expect.stringContaining(reason)]);
  });
});

test('a killed supervisor can be started again at once, under load, also when an engine hangs', async () => {
  const args = ['--only', 'analytics,portfolio', '--replicas', 'analytics=2'];
  const env = { NAUTILUS_GRACE_MS: '500' };
  const system = await TestSystem.start(args, env);
  const before = await system.engines();
  const load = new Load((await replicasOf(system))[0]!.port);
  await load.more(50);
  const hung = before.find((e) => e.name === 'portfolio')!;
  process.kill(hung.pid, 'SIGSTOP');
  system.kill('SIGKILL');
  const again = await TestSystem.start(args, { ...env, NAUTILUS_DATA_DIR: system.dataDir });
  await load.stop();
  // What nobody has reaped yet has ended all the same.
  expect(before.filter(({ pid }) => isAlive(pid))).toEqual([]);
  expect((await again.engines()).map((e) => e.health)).toEqual(['healthy', 'healthy', 'healthy']);
  expect(again.log).toContain('engines of an earlier start hung');
  await again.stop();
  await system.stop();
});
