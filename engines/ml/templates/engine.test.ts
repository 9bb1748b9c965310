// Bodies with a model_type through the engine's port.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { TestEngine } from '../../../test/support/engine.ts';
import definition from '../index.ts';

const env = { NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../../models') };
const onMac = process.platform === 'darwin';

describe('bodies with a model_type', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start(definition, env);
  });
  afterAll(() => engine.stop());

  test('an unknown type is refused with the list of those there are', async () => {
    for (const path of ['/predict', '/predict/batch', '/predict/metal-gpu', '/predict/hybrid']) {
      const { status, body } = await engine.post(path, { model_type: 'astrology', symbols: ['AAPL'] });
      expect([path, status, body.errors[0].pointer]).toEqual([path, 422, '/model_type']);
      expect(body.errors[0].expected).toContain('trading_signals');
      expect(JSON.stringify(body)).not.toContain('astrology');
    }
  });

  test.each([
    ['a field that is not there', { symbols: ['A'], mood: 1 }, ''],
    ['no symbols', { symbols: [] }, '/symbols'],
    ['a symbol twice', { symbols: ['A', 'A'] }, '/symbols/1'],
    ['a ragged column', { symbols: ['A', 'B'], features: { volume: [1] } }, '/features/volume'],
    ['a ragged group', { symbols: ['A'], features: { t: { rsi: [1, 2] } } }, '/features/t/rsi'],
    ['words for numbers', { symbols: ['A'], features: { volume: ['many'] } }, '/features/volume'],
    ['a horizon in words', { symbols: ['A'], prediction_horizon: 'soon' }, '/prediction_horizon'],
  ])('%s is refused with its place', async (_, change, pointer) => {
    const { status, body } = await engine.post('/predict', { model_type: 'trading_signals', ...change });
    expect([status, body.errors[0].pointer.slice(0, pointer.length)]).toEqual([422, pointer]);
  });

  test('a type says nothing of a model that learnt something else', async () => {
    const names = ['rsi_14_centred', 'close_to_ema_12', 'ema_12_to_ema_26', 'ema_50_to_ema_200'];
    const more = ['macd_histogram_scaled', 'bollinger_position', 'atr_14_to_close'];
    const direction = Object.fromEntries([...names, ...more].map((name, i) => [name, [i / 100]]));
    const posted = { price_data: [150], volume: [1e6], rsi: [50], macd: [1] };
    for (const [model_type, model_id, features] of [
      ['volatility_forecasting', 'btc-direction-15m', direction],
      ['position_sizing', 'btc-direction-15m', direction],
      ['volatility_forecasting', 'price-prediction-generic-1d', posted],
      ['market_regime', 'trading-signals-generic-1d', posted],
    ]) {
      const { status, body } = await engine.post('/predict', {
        model_type,
        model_id,
        symbols: ['A'],
        features,
      });
      const { volatility, position_size, regime, values } = body.predictions.A;
      expect([status, values.length > 0, volatility, position_size, regime]).toEqual([
        200,
        true,
        undefined,
        undefined,
        undefined,
      ]);
    }
  });

  test('more time than a request may have is refused, whatever answers it', async () => {
    const timeout_ms = 600_000;
    const bodies = [
      { model_type: 'trading_signals', symbols: ['A'] },
      { model_type: 'sentiment', texts: ['a'] },
      { model_type: 'portfolio_risk', portfolio: { positions: [{ symbol: 'A', weight: 1 }] } },
    ];
    for (const asked of bodies) {
      const { status, body } = await engine.post('/predict', { ...asked, timeout_ms });
      expect([asked.model_type, status, body.errors?.[0].pointer]).toEqual([
        asked.model_type,
        422,
        '/timeout_ms',
      ]);
    }
  });

  test('hardware that is absent is 503, and the CPU runs it when that is allowed', async () => {
    if (onMac) return;
    const inputs = ['rsi_14_centred', 'close_to_ema_12', 'ema_12_to_ema_26', 'ema_50_to_ema_200'];
    const more = ['macd_histogram_scaled', 'bollinger_position', 'atr_14_to_close'];
    const features = Object.fromEntries([...inputs, ...more].map((name, i) => [name, [i / 100]]));
    const asked = {
      model_type: 'trading_signals',
      model_id: 'btc-direction-15m',
      symbols: ['BTC'],
      features,
    };
    expect((await engine.post('/predict/neural-engine', asked)).status).toBe(503);
    const { status, body } = await engine.post('/predict/neural-engine', { ...asked, allow_fallback: true });
    expect([status, body.hardware_used, body.unused]).toEqual([200, 'cpu', []]);
    const plain = await engine.post('/predict', { inputs: [Object.values(features).flat()] });
    expect(body.predictions.BTC).toMatchObject({
      values: plain.body.predictions,
      confidence: plain.body.confidence[0],
      signal: plain.body.signal[0],
      generic: false,
    });
  });
});
