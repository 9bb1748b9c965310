// The main job: real bars through all nine engines, over processes and in one process, with one and the same outcome.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedData } from '../shared-data.ts';
import { walkBars } from '../support/engine.ts';
import { barsFile, nautilus, TestSystem } from '../support/system.ts';

setDefaultTimeout(120_000);

interface Result {
  readonly events: number;
  readonly signals: number;
  readonly orders: number;
  readonly fills: number;
  readonly rejected: number;
  readonly pnl: Record<string, string>;
  readonly latency_us: Record<string, { p50: number; p99: number }>;
  readonly result_hash: string;
}

const HOPS = [
  'marketdata->features market.live_data',
  'features->ml features.values',
  'ml->strategy ml.predictions',
  'strategy->portfolio strategy.fills',
  'portfolio->analytics portfolio.valuations',
  'portfolio->risk portfolio.valuations',
  'analytics->websocket analytics.metrics',
];
const BTC = ['--symbol', 'BTC-PERP', '--json'];

async function replay(file: string, ...args: string[]): Promise<Result> {
  const { code, stdout, stderr } = await nautilus(['replay', file, ...BTC, ...args]);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Result;
}

describe('replay', () => {
  const folder = mkdtempSync(join(tmpdir(), 'replay-'));
  const walk = barsFile(folder, walkBars('X', 3000));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('gives one hash over processes, in one process, and for any barrier', async () => {
    const options = ['--option', 'fast=ema_12', '--option', 'slow=ema_26'];
    const runs = [
      await replay(walk, '--isolated', ...options),
      await replay(walk, '--in-process', ...options),
      await replay(walk, '--in-process', '--barrier', '1', '--in-flight', '1', ...options),
      await replay(walk, '--isolated', '--barrier', '1000', '--in-flight', '2', ...options),
    ];
    expect(new Set(runs.map((r) => r.result_hash)).size).toBe(1);
    expect(runs[0]).toMatchObject({ events: 3000, rejected: 0 });
    expect(runs[0]!.fills).toBeGreaterThan(20);
    for (const run of runs) expect({ ...run.pnl }).toEqual({ ...runs[0]!.pnl });
    for (const hop of HOPS)
      expect(runs[0]!.latency_us[hop]!.p99).toBeGreaterThanOrEqual(runs[0]!.latency_us[hop]!.p50);
    const other = await replay(walk, '--in-process');
    expect(other.result_hash).not.toBe(runs[0]!.result_hash);
  });

  test('runs the model-driven strategy with the same outcome twice, and rejects what the limits forbid', async () => {
    const model = ['--strategy', 'ml-threshold', '--in-process'];
    const [first, second] = [await replay(walk, ...model), await replay(walk, ...model)];
    expect(first.result_hash).toBe(second.result_hash);
    expect(first.signals).toBeGreaterThan(0);
    // Twice the default order limit: each entry is refused, nothing is ever held.
    const tooLarge = await replay(walk, '--in-process', '--option', 'notional=300000');
    expect([tooLarge.fills, tooLarge.pnl.total]).toEqual([0, '0']);
    expect(tooLarge.rejected).toBeGreaterThan(0);
    expect(tooLarge.rejected).toBe(tooLarge.orders);
  });

  const btc = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');
  test.skipIf(btc === null)('drives 45,031 real bars through both transports to the same hash', async () => {
    const [hub, memory] = [await replay(btc!, '--isolated'), await replay(btc!, '--in-process')];
    expect(hub.result_hash).toBe(memory.result_hash);
    expect(hub).toMatchObject({ events: 45_031, fills: memory.fills, pnl: memory.pnl });
  });

  describe('on engines that run', () => {
    let system: TestSystem;
    beforeAll(async () => {
      system = await TestSystem.start();
    });
    afterAll(() => system.stop());
    const run = (...args: string[]) => system.run(['replay', walk, ...BTC, ...args]);

    test('leaves the same portfolio in every engine, refuses a second run, and repeats it after a reset', async () => {
      const first = await run();
      expect(first.code).toBe(0);
      const result = JSON.parse(first.stdout) as Result;
      const portfolio = (await system.request('portfolio', '/portfolios/portfolio_001')).body;
      const analytics = (await system.post('analytics', '/analytics/calculate/portfolio_001')).body;
      const risk = (await system.post('risk', '/risk/check/portfolio_001')).body;
      const fills = (await system.request('strategy', '/fills?portfolio_id=portfolio_001&limit=1000')).body;
      const features = (await system.request('features', '/features/BTC-PERP')).body;
      const snapshot = (await system.request('websocket', '/snapshot')).body;
      expect(portfolio).toMatchObject({
        equity: result.pnl.equity,
        fills: result.fills,
        fees: result.pnl.fees,
      });
      expect(analytics).toMatchObject({
        equity: result.pnl.equity,
        total_pnl: result.pnl.total,
        observations: 3000,
      });
      expect(risk.equity).toBe(result.pnl.equity!);
      expect(fills.items ?? fills.fills).toHaveLength(result.fills);
      expect(features).toMatchObject({ bars: 3000 });
      expect(JSON.stringify(snapshot)).toContain(`"equity":"${result.pnl.equity}"`);

      const again = await run();
      expect(again.code).toBe(1);
      expect(again.stderr).toContain('portfolio_001 already has history');
      // A refusal leaves everything as it was, in every engine.
      expect((await system.request('features', '/features/BTC-PERP')).body).toEqual(features);
      expect((await system.post('marketdata', '/replays', { symbol: 'BTC-PERP' })).body).toMatchObject({
        status: 409,
        type: '/problems/conflict',
      });
      const unknown = { symbol: 'BTC-PERP', portfolio_id: 'p3', strategy: 'nope' };
      expect((await system.post('marketdata', '/replays', unknown)).status).toBe(404);
      expect((await system.request('portfolio', '/portfolios/portfolio_001')).body).toEqual(portfolio);

      const reset = await run('--reset');
      expect([reset.code, JSON.parse(reset.stdout).result_hash]).toEqual([0, result.result_hash]);
    });

    test('names what is wrong with a request and exits with 2', async () => {
      const cases: [string[], RegExp][] = [
        [['replay', '/no/such/file.csv', ...BTC], /No file/],
        [['replay', walk, ...BTC, '--strategy', 'nope', '--portfolio', 'p2'], /ma-cross/],
        [['replay', walk, ...BTC, '--barrier', 'many'], /--barrier/],
        [['replay', walk, ...BTC, '--option', 'novalue'], /--option/],
        [['replay', walk, '--json'], /symbol/],
      ];
      for (const [args, message] of cases) {
        const outcome = await system.run(args);
        expect([args, outcome.stdout]).toEqual([args, '']);
        expect(outcome.stderr).toMatch(message);
        expect(outcome.code).toBeGreaterThan(0);
      }
    });

    test('says which engine died in the middle of a replay, and works again when it is back', async () => {
      const { body: started } = await system.post('marketdata', '/replays', {
        symbol: 'BTC-PERP',
        portfolio_id: 'portfolio_kill',
        barrier_bars: 1,
        in_flight: 1,
      });
      process.kill((await system.engine('ml')).pid, 'SIGKILL');
      let ended = started;
      while (ended.state === 'running') {
        ended = (await system.request('marketdata', started.progress_url)).body;
      }
      expect(ended).toMatchObject({ state: 'failed', result: null });
      expect(ended.error.detail).toContain('ml');
      const again = await run('--portfolio', 'portfolio_kill', '--reset');
      expect([again.stderr, again.code]).toEqual(['', 0]);
    });
  });
});
