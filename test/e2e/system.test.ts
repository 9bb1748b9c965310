// The system as its operator meets it: start, health, deaths, wrong uses, the end.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ENGINES } from '../../src/cli/engines.ts';
import { walkBars } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { barsFile, nautilus, TestSystem } from '../support/system.ts';

setDefaultTimeout(120_000);

const URGENT = ['marketdata', 'risk', 'strategy', 'websocket'];

describe('the running system', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await TestSystem.start([], { NAUTILUS_FEED: 'simulated', NAUTILUS_FEED_INTERVAL_MS: '50' });
  });
  afterAll(() => system.stop());

  test('has nine engines, each with every common route, and a problem for every wrong one', async () => {
    const engines = await system.engines();
    expect(engines.map((e) => e.name)).toEqual(ENGINES.map((e) => e.name));
    await eventually(
      async () => (await system.engines()).every((e) => e.health === 'healthy'),
      'nine healthy engines',
    );
    for (const { name, port } of engines) {
      const base = `http://127.0.0.1:${port}`;
      const health = await (await fetch(`${base}/health`)).json();
      expect(health).toMatchObject({
        status: 'healthy',
        engine: name,
        messagebus_connected: true,
        messagebus: 'hub',
      });
      expect(Object.keys(health).sort()).toEqual(
        [
          'engine',
          'messagebus',
          'messagebus_connected',
          'missing',
          'native',
          'response_time_ms',
          'status',
          'uptime_s',
          'version',
        ].sort(),
      );
      expect(health.native).toMatchObject({ backend: 'cpu', target: expect.any(String) });
      expect((await fetch(`${base}/ready`)).status).toBe(200);
      expect(await (await fetch(`${base}/metrics`)).text()).toContain(
        `nautilus_bus_connected{engine="${name}"} 1`,
      );
      expect(await (await fetch(`${base}/system/status`)).json()).toMatchObject({
        engine: name,
        port,
        placement: { urgency: URGENT.includes(name) ? 'latency' : 'throughput', reason: expect.any(String) },
      });
      const openapi = await (await fetch(`${base}/openapi/json`)).json();
      expect(openapi.openapi).toStartWith('3.1');
      const page = await (await fetch(`${base}/openapi`)).text();
      expect(page).not.toMatch(/https?:\/\//);
      await everyPostRefusesBrokenBodies(base, openapi.paths);
    }
  });

  test('carries the simulated market to the page: prices, a trading demo portfolio, named as simulated', async () => {
    await eventually(async () => {
      const { body } = await system.request('websocket', '/snapshot');
      return (
        JSON.stringify(body).includes('"source":"simulated"') &&
        JSON.stringify(body).includes('portfolio_sim')
      );
    }, 'simulated bars and the demo portfolio in the snapshot');
    await eventually(
      async () =>
        (await system.request('strategy', '/fills?portfolio_id=portfolio_sim')).body.fills.length > 0,
      'a fill of the demo strategy',
    );
  });

  test('carries models and their predictions to the page of models', async () => {
    await eventually(async () => {
      const { body } = await system.request('websocket', '/snapshot/models');
      const named = (id: string) =>
        body.models.some((model: { model_id: string }) => model.model_id === id) &&
        body.predictions.some((prediction: { model_id: string }) => prediction.model_id === id);
      return named('btc-direction-15m');
    }, 'the model of the stream and its predictions in the snapshot');
  });

  test('keeps eight engines answering when one is killed, and has the ninth back with its state', async () => {
    const before = await system.engine('portfolio');
    const ledger = (await system.request('portfolio', '/portfolios/portfolio_sim/fills?limit=1000')).body
      .fills;
    process.kill(before.pid, 'SIGKILL');
    const others = (await system.engines()).filter((e) => e.name !== 'portfolio');
    for (const engine of others) {
      expect((await fetch(`http://127.0.0.1:${engine.port}/health`)).status).toBe(200);
    }
    const killed = performance.now();
    await eventually(async () => (await system.engine('portfolio')).health === 'healthy', 'the ninth engine');
    console.log(`portfolio engine healthy again after ${Math.round(performance.now() - killed)} ms`);
    const after = await system.engine('portfolio');
    expect([after.pid !== before.pid, after.restarts]).toEqual([true, 1]);
    const kept = (await system.request('portfolio', '/portfolios/portfolio_sim/fills?limit=1000')).body.fills;
    expect(kept.slice(0, ledger.length)).toEqual(ledger);
    expect(system.log).toContain('engine died');
  });

  test('imports the good rows of a file and reports the bad ones with line and reason', async () => {
    const file = barsFile(system.dataDir, walkBars('X', 50), ['1,2,3', 'yesterday,1,1,1,1,1']);
    const { code, stdout } = await system.run(['import', file, '--symbol', 'MIXED']);
    expect(code).toBe(0);
    expect(stdout).toContain('50 of 52 bars imported');
    expect(stdout).toMatch(/line 52: .*\n.*line 53: time not readable/);
  });

  test('refuses a second system on the same data folder, and lists and checks the first', async () => {
    const second = await nautilus(['up'], system.env);
    expect([second.code, second.stderr]).toEqual([
      1,
      expect.stringContaining('already run on this data folder'),
    ]);
    const listed = await system.run(['ps']);
    expect(listed.stdout).toContain('strategy');
    const doctor = JSON.parse((await system.run(['doctor', '--json'])).stdout) as {
      check: string;
      level: string;
    }[];
    expect(doctor.filter((f) => f.level === 'fail')).toEqual([]);
    expect(doctor.map((f) => f.check)).toEqual(
      expect.arrayContaining(['Bun', 'addon', 'SIMD target', 'GPU (Metal)', 'Redis']),
    );
  });

  test('stops everything with `down` and leaves no process and no socket', async () => {
    const pids = (await system.engines()).map((e) => e.pid);
    const { code, stdout } = await system.run(['down']);
    expect([code, stdout.trim()]).toEqual([0, 'Stopped 9 engines.']);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow();
    expect(existsSync(join(system.dataDir, 'run', 'supervisor.json'))).toBe(false);
    expect((await system.run(['ps'])).code).toBe(1);
    expect((await system.run(['down'])).code).toBe(1);
    // Every line that the system wrote is one JSON object.
    for (const line of system.log.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
  });
});

describe('starting', () => {
  test('names the port, the engine and the way out when a port is taken', async () => {
    const holder = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('mine') });
    const { startEngine } = await import('../../src/http/server.ts');
    const { TestEngine } = await import('../support/engine.ts');
    const features = (await import('../../engines/features/index.ts')).default;
    const engine = await TestEngine.start(features);
    const { EngineMetrics } = await import('../../src/http/metrics.ts');
    const metrics = new EngineMetrics('features', engine.context.bus);
    const context = { ...engine.context, metrics };
    await expect(startEngine(features, context, holder.port!)).rejects.toThrow(
      new RegExp(`Port ${holder.port} of the features engine is taken`),
    );
    await engine.stop();
    await holder.stop(true);
  });

  test('starts chosen engines only, and names the known ones for an unknown name', async () => {
    const some = await TestSystem.start(['--only', 'features,risk']);
    expect((await some.engines()).map((e) => e.name)).toEqual(['risk', 'features']);
    await some.stop();
    const wrong = await nautilus(['up', '--only', 'featurs'], { NAUTILUS_DATA_DIR: some.dataDir });
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringContaining('Expected engines among analytics'),
    ]);
  });

  test('leaves no orphan when the supervisor itself is killed, and starts again on the same folder', async () => {
    const system = await TestSystem.start(['--only', 'features,portfolio']);
    const pids = (await system.engines()).map((e) => e.pid);
    system.kill('SIGKILL');
    const alive = (pid: number) => {
      try {
        process.kill(pid, 0);
        return true;
      } catch {
        return false;
      }
    };
    await eventually(() => !pids.some(alive), 'the engines to follow their supervisor');
    const again = await TestSystem.start(['--only', 'features'], { NAUTILUS_DATA_DIR: system.dataDir });
    expect((await again.engines()).map((e) => e.name)).toEqual(['features']);
    await again.stop();
    await system.stop();
  });

  test('refuses a bad configuration, naming the variable', async () => {
    const env = { NAUTILUS_HOST: 'nowhere at all', NAUTILUS_THREADS: 'many' };
    const { code, stderr } = await nautilus(['up'], env);
    expect(code).toBe(2);
    expect(stderr).toContain('NAUTILUS_HOST');
    expect(stderr).toContain('NAUTILUS_THREADS');
  });
});

// Broken JSON, a wrong type and an unknown field never reach an engine, whatever the route.
async function everyPostRefusesBrokenBodies(
  base: string,
  paths: Record<string, Record<string, { requestBody?: unknown }>>,
) {
  const posts = Object.entries(paths).filter(([, methods]) => methods.post?.requestBody);
  for (const [path] of posts) {
    const url = base + path.replace(/\{[^}]+\}/g, 'portfolio_001');
    for (const [body, type, status] of [
      ['{broken', 'application/json', 400],
      ['a=b', 'application/x-www-form-urlencoded', 400],
      ['"text"', 'application/json', 422],
      ['{"no_such_field":1}', 'application/json', 422],
      [`{"x":"${'y'.repeat(1_100_000)}"}`, 'application/json', 413],
    ] as const) {
      const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': type } });
      const problem = await response.json();
      expect([path, body.slice(0, 20), response.status, response.headers.get('content-type')]).toEqual([
        path,
        body.slice(0, 20),
        status,
        'application/problem+json',
      ]);
      expect(problem).toMatchObject({
        status,
        type: expect.stringMatching(/^\/problems\//),
        instance: expect.any(String),
      });
      expect(JSON.stringify(problem)).not.toContain('broken');
    }
  }
}
