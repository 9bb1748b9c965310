// Value at risk through the Risk engine: of the book, of posted positions, and what it refuses.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { monteCarloVar } from '../../src/trading/var.ts';
import { TestEngine, walkBars } from '../../test/support/engine.ts';
import { feed, publishValuation, type valuation } from '../../test/support/risk-messages.ts';
import definition from './index.ts';

let engine: TestEngine;
beforeEach(async () => {
  engine = await TestEngine.start(definition);
});
afterEach(() => engine.stop());

const value = (...args: Parameters<typeof valuation>) => publishValuation(engine, ...args);
const held = { symbol: 'BTC', quantity: '2', mark: '100000' };

describe('POST /risk/var', () => {
  test('of a flat book is zero, with its convention', async () => {
    await value('p');
    const { status, body } = await engine.post('/risk/var/p');
    expect(status).toBe(200);
    expect(body).toMatchObject({ var: 0, cvar: 0, expected_pnl: 0, observations: 0, source: 'book' });
    expect(body.convention).toMatchObject({ confidence: 0.95, horizon_bars: 1, paths: 10_000, seed: '1' });
  });

  test('of a held position takes the returns of the stream', async () => {
    await value('p', { positions: [{ ...held, symbol: 'VAR', mark: '100' }] });
    const short = await engine.post('/risk/var/p');
    expect(short.body).toMatchObject({ type: '/problems/insufficient-history', needed: 30, received: 0 });
    await feed(engine, 'VAR', 201);
    const { body } = await engine.post('/risk/var/p', { confidence: 0.99, horizon_bars: 4, seed: 7 });
    expect(body).toMatchObject({ observations: 200, gross_exposure: 200, positions: 1, backend: 'native' });
    const closes = walkBars('VAR', 201).map((b) => b.close);
    const returns = Float64Array.from(closes.slice(1), (close, i) => close / closes[i]! - 1);
    const options = { horizonBars: 4, confidence: 0.99, paths: 10_000, seed: 7 };
    const expected = monteCarloVar(
      { values: Float64Array.of(200), returns, ...options },
      (m, _n, k, a, b, out) => {
        for (let i = 0; i < m; i++) {
          out[i] = 0;
          for (let j = 0; j < k; j++) out[i]! += a[i * k + j]! * b[j]!;
        }
      },
    );
    // The addon sums in another order; everything else is the same arithmetic.
    for (const figure of ['var', 'cvar', 'var_standard_error', 'expected_pnl'] as const)
      expect(Math.abs(body[figure] / expected[figure] - 1)).toBeLessThan(1e-9);
    expect((await engine.post('/risk/var/p', { confidence: 0.99, horizon_bars: 4, seed: 7 })).body.var).toBe(
      body.var,
    );
  });

  test('of posted positions takes the posted returns, and refuses returns that do not fit', async () => {
    await value('p');
    const wave = (phase: number) => Array.from({ length: 60 }, (_, i) => Math.sin(i + phase) / 100);
    const positions = [
      { symbol: 'A', market_value: 1000 },
      { symbol: 'B', market_value: -500 },
    ];
    const { body } = await engine.post('/risk/var/p', { positions, returns: { B: wave(1), A: wave(0) } });
    expect(body).toMatchObject({ source: 'request', observations: 60, gross_exposure: 1500, rank: 2 });
    expect(body.cvar).toBeGreaterThan(body.var);
    const swapped = await engine.post('/risk/var/p', { positions, returns: { B: wave(0), A: wave(1) } });
    expect(swapped.body.var).not.toBe(body.var);
    const cases: [object, number, string][] = [
      [{ positions, returns: { A: wave(0) } }, 422, 'invalid-option'],
      [{ positions, returns: { A: wave(0), B: wave(0), C: wave(0) } }, 422, 'invalid-option'],
      [{ positions, returns: { A: wave(0), B: wave(0).slice(1) } }, 422, 'shape-mismatch'],
      [{ positions, returns: { A: [0.1], B: [0.2] } }, 422, 'insufficient-history'],
      [{ positions: [positions[0], positions[0]] }, 422, 'invalid-option'],
      [{ positions }, 422, 'insufficient-history'],
    ];
    for (const [request, status, slug] of cases) {
      const answer = await engine.post('/risk/var/p', request);
      expect([answer.status, answer.body.type]).toEqual([status, `/problems/${slug}`]);
    }
  });

  test('refuses more work than a second of it', async () => {
    await value('p');
    const positions = Array.from({ length: 11 }, (_, i) => ({ symbol: `S${i}`, market_value: 1 }));
    const answer = await engine.post('/risk/var/p', { positions, paths: 1_000_000 });
    expect(answer.body).toMatchObject({ type: '/problems/invalid-option', status: 422 });
  });
});
