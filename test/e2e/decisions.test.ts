// Combined decisions on running systems, over the embedded bus and over Redis: the example, REST alone, a risk engine that hangs.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { resolve } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { playHourlyBars } from '../support/hourly-market.ts';
import { REDIS_SERVER, TestRedis } from '../support/redis.ts';
import { TestSystem } from '../support/system.ts';

setDefaultTimeout(120_000);

const EXAMPLE = resolve(import.meta.dir, '../../examples/decisions.ts');
const NEEDED = ['--only', 'marketdata,features,portfolio,risk,ml'];
const symbols = ['ONE', 'TWO'];
/** Features that the generic model of an hour buys the first by, and holds the second. */
const body = {
  symbols,
  features: { price_data: [100, 100], volume: [1e8, 1e4], rsi: [5, 50], macd: [-10, 0] },
  prediction_horizon: '1h',
  portfolio_id: 'portfolio_001',
};

function walks(system: () => TestSystem) {
  test('the example walks from bars to decisions', async () => {
    const engines = await system().engines();
    const at = (name: string) => `http://127.0.0.1:${engines.find((e) => e.name === name)!.port}`;
    const urls = ['marketdata', 'features', 'ml'].flatMap((name) => [`--${name}`, at(name)]);
    const asked = ['--symbols', symbols.join(','), '--portfolio', 'portfolio_001', '--horizon', '1d'];
    const child = Bun.spawn([process.execPath, EXAMPLE, ...asked, ...urls], {
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const [out, errors] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    expect([await child.exited, errors]).toEqual([0, '']);
    for (const symbol of symbols)
      expect(out).toMatch(
        new RegExp(
          `^${symbol} +(BUY|SELL|HOLD) +0\\.\\d{3} +0\\.\\d{3} +0\\.\\d{3} +(execute|hold|reject)$`,
          'm',
        ),
      );
    expect(out).toMatch(/^portfolio_var 0\.\d{3}$/m);
    expect(out).toMatch(
      /^hops in ms: ml [\d.]+, bus_out [\d.]+, risk [\d.]+, bus_back [\d.]+, portfolio_risk [\d.]+, total/m,
    );
    expect(out).toMatch(/^passed: /m);
  });

  test('a signal passes with the score that the risk engine tells over REST', async () => {
    const { status, body: reply } = await system().post('ml', '/decisions', body);
    expect(status).toBe(200);
    const [bought, held] = reply.decisions;
    expect([bought.signal, bought.decision, held.decision]).toEqual(['BUY', 'execute', 'hold']);
    expect([reply.executed, reply.portfolio_id]).toEqual([['ONE'], 'portfolio_001']);
    const predictions = reply.decisions.map((one: Record<string, unknown>) => ({
      symbol: one.symbol,
      signal: one.signal,
      confidence: one.ml_confidence,
    }));
    const asked = { portfolio_id: 'portfolio_001', predictions };
    const { validations } = (await system().post('risk', '/risk/validate-predictions', asked)).body;
    expect(validations.map((one: { risk_score: number }) => one.risk_score)).toEqual([
      bought.risk_score,
      held.risk_score,
    ]);
    expect(bought.combined_confidence).toBeCloseTo(0.7 * bought.ml_confidence + 0.3 * bought.risk_score, 12);
    expect(reply.portfolio_var).toBeGreaterThan(0);
    // Nothing was traded.
    const positions = await system().request('portfolio', '/portfolios/portfolio_001');
    expect(positions.body.positions).toEqual([]);
  });
}

/** The market, and the portfolio as the risk engine knows it. */
async function ready(system: TestSystem): Promise<void> {
  await playHourlyBars(system, symbols, 60);
  const known = async () => (await system.post('risk', '/risk/check/portfolio_001')).status === 200;
  await eventually(known, 'the portfolio in the risk engine');
}

describe('decisions over the embedded bus', () => {
  let system: TestSystem;
  beforeAll(async () => {
    system = await TestSystem.start(NEEDED, { NAUTILUS_DECISION_RISK_TIMEOUT_MS: '5000' });
    await ready(system);
  });
  afterAll(() => system?.stop());
  walks(() => system);

  test('are not made while the risk engine hangs, and are again when it goes on', async () => {
    const { pid } = await system.engine('risk');
    process.kill(pid, 'SIGSTOP');
    const hung = await system.post('ml', '/decisions', { ...body, timeout_ms: 500 });
    process.kill(pid, 'SIGCONT');
    expect([hung.status, hung.body.type]).toEqual([504, '/problems/deadline-exceeded']);
    expect((await system.post('ml', '/decisions', body)).status).toBe(200);
  });
});

describe.skipIf(REDIS_SERVER === null)('decisions over Redis', () => {
  let redis: TestRedis;
  let system: TestSystem;
  beforeAll(async () => {
    redis = await TestRedis.start();
    system = await TestSystem.start(NEEDED, {
      REDIS_URL: redis.url,
      NAUTILUS_DECISION_RISK_TIMEOUT_MS: '5000',
    });
    await ready(system);
  });
  afterAll(async () => {
    await system?.stop();
    await redis?.stop();
  });
  walks(() => system);
});
