// The published bodies as they are written, with the committed models.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { TestEngine } from '../../../test/support/engine.ts';
import definition from '../index.ts';

const env = { NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../../models') };
const onMac = process.platform === 'darwin';

/** "Real-time Trading Signal Generation", word for word. */
const published = {
  model_type: 'trading_signals',
  symbols: ['AAPL', 'GOOGL', 'MSFT'],
  features: {
    price_data: [150.25, 2750.8, 330.45],
    volume: [45000000, 1200000, 28000000],
    technical_indicators: {
      rsi: [65.2, 45.7, 72.1],
      macd: [1.25, -0.85, 2.15],
    },
  },
  prediction_horizon: '1h',
};

describe('published bodies of signals', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start(definition, env);
  });
  afterAll(() => engine.stop());

  const predict = async (body: object, path = '/predict') => {
    const reply = await engine.post(path, body);
    expect([reply.status, reply.body.errors]).toEqual([200, undefined]);
    return reply.body;
  };

  test('the signals body has the published fields on every route', async () => {
    if (!onMac) expect((await engine.post('/predict/neural-engine', published)).status).toBe(503);
    const allowed = { ...published, allow_fallback: true };
    const paths = ['/predict', '/predict/batch', '/predict/hybrid'] as const;
    const bodies = [
      ...(await Promise.all(paths.map((path) => predict(published, path)))),
      await predict(allowed, '/predict/neural-engine'),
      await predict(allowed, '/predict/metal-gpu'),
    ];
    for (const body of bodies) {
      expect(Object.keys(body.predictions)).toEqual(published.symbols);
      expect(body.model_version).toBe('trading-signals-generic-1h@1.0.0');
      expect([body.prediction_horizon, body.unused]).toEqual(['1h', []]);
      expect(body.processing_time_ms).toBeGreaterThan(0);
      if (!onMac) expect(body.hardware_used).toBe('cpu');
      for (const [i, symbol] of published.symbols.entries()) {
        const one = body.predictions[symbol];
        expect(['BUY', 'HOLD', 'SELL']).toContain(one.signal);
        expect(one.confidence).toBe(Math.max(...one.values));
        expect([one.values.length, one.calibrated, one.generic]).toEqual([3, true, true]);
        const price = published.features.price_data[i]!;
        expect(one.target_price).toBe(price * Math.exp(one.expected_return));
        expect(one.target_interval.low).toBeLessThan(one.target_price);
        expect(one.target_interval.high).toBeGreaterThan(one.target_price);
        expect([one.target_interval.level, one.target_model_id]).toEqual([
          0.9,
          'price-prediction-generic-1h',
        ]);
      }
    }
    expect(bodies[1].predictions).toEqual(bodies[0].predictions);
  });

  test('a list of symbols is answered by a list, each as alone', async () => {
    const whole = await predict(published);
    const { price_data, volume, technical_indicators: t } = published.features;
    const list = published.symbols.map((symbol, i) => ({
      symbol,
      features: {
        price_data: price_data[i],
        volume: volume[i],
        technical_indicators: { rsi: t.rsi[i], macd: t.macd[i] },
      },
      prediction_horizon: '1h',
    }));
    const replies = await predict(list, '/predict/batch');
    expect(replies.map(({ symbol }: { symbol: string }) => symbol)).toEqual(published.symbols);
    for (const reply of replies) {
      const { signal, values, target_price, model_version } = whole.predictions[reply.symbol];
      expect(reply).toMatchObject({ signal, target_price, model_version, hardware_used: 'cpu' });
      // A matrix product in float32: its last bit depends on how many rows go together.
      for (const [k, value] of reply.values.entries()) expect(Math.abs(value - values[k])).toBeLessThan(1e-6);
    }
    const item = { symbol: 'A', features: { rsi: 50 } };
    for (const [wrong, pointer] of [
      [{ symbol: 'B', features: { rsi: 'high' } }, '/1/features/rsi'],
      [{ symbol: 'B', features: { rsi: 50, 't/u': { rsi: 50 } } }, '/1/features/t~1u/rsi'],
      [{ symbol: 'B', prediction_horizon: '6h' }, '/1/prediction_horizon'],
    ] as const) {
      const { status, body } = await engine.post('/predict/batch', [item, wrong]);
      expect([status, body.errors[0].pointer]).toEqual([422, pointer]);
    }
    const regime = { symbol: 'B', model_type: 'market_regime' };
    const { status, body } = await engine.post('/predict/batch', [item, regime]);
    expect([status, body.detail]).toEqual([404, expect.stringContaining('entry 1 of the list')]);
  });

  test('every posted number changes what is said of its symbol, and of no other', async () => {
    const base = (await predict(published)).predictions;
    const columns = [
      (body: typeof published) => body.features.price_data,
      (body: typeof published) => body.features.volume,
      (body: typeof published) => body.features.technical_indicators.rsi,
      (body: typeof published) => body.features.technical_indicators.macd,
    ];
    const property = fc.asyncProperty(
      fc.nat(columns.length - 1),
      fc.nat(published.symbols.length - 1),
      fc.double({ min: 0.3, max: 3, noNaN: true }).filter((factor) => Math.abs(factor - 1) > 0.01),
      async (column, at, factor) => {
        const body = structuredClone(published);
        columns[column]!(body)[at]! *= factor;
        const { predictions } = await predict(body);
        for (const [i, symbol] of published.symbols.entries()) {
          const [was, is] = [base[symbol], predictions[symbol]];
          if (i !== at) expect(is).toEqual(was);
          else {
            expect(is.values).not.toEqual(was.values);
            expect(is.target_price).not.toBe(was.target_price);
          }
        }
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  test('a number that is missing makes its symbol null with the reason, and what nobody reads is told', async () => {
    const { features } = published;
    const rsi = [65.2, null, 72.1];
    const body = await predict({
      ...published,
      features: {
        ...features,
        technical_indicators: { ...features.technical_indicators, rsi },
        mood: [1, 2, 3],
      },
    });
    expect(body.predictions.GOOGL).toMatchObject({ signal: null, confidence: null, target_price: null });
    expect(body.predictions.GOOGL.reason).toContain('rsi_centred');
    expect(body.predictions.AAPL.signal).not.toBeNull();
    expect(body.unused).toEqual(['mood']);
    // Too large for the numbers of a model.
    const huge = await predict({
      ...published,
      features: { rsi_centred: [0, 1e300, 0], rsi_extremity: [0, 0, 0], ...features },
    });
    expect(huge.predictions.GOOGL.reason).toContain('rsi_centred');
    expect(huge.predictions.AAPL.signal).not.toBeNull();
    const bare = await predict({ model_type: 'trading_signals', symbols: ['AAPL'] });
    expect(bare.predictions.AAPL).toMatchObject({ signal: null, model_id: null });
    expect(bare.predictions.AAPL.reason).toBeString();
  });

  test.each([
    ['15m', '15m'],
    ['30m', '15m'],
    ['45m', '1h'],
    ['120m', '1h'],
    ['2d', '1d'],
  ])('a horizon of %s is answered by the models of %s', async (prediction_horizon, named) => {
    const body = await predict({ ...published, prediction_horizon });
    expect([body.prediction_horizon, body.model_version]).toEqual([
      named,
      `trading-signals-generic-${named}@1.0.0`,
    ]);
  });

  test('the price of a signal looks as far ahead as the model that is named', async () => {
    const { prediction_horizon: _, ...open } = published;
    const body = await predict({ ...open, model_id: 'trading-signals-generic-15m' });
    expect([body.prediction_horizon, body.predictions.AAPL.target_model_id]).toEqual([
      '15m',
      'price-prediction-generic-15m',
    ]);
  });

  test.each(['5m', '6h', '5d'])('a horizon of %s, which no model is near, is refused', async (horizon) => {
    const { status, body } = await engine.post('/predict', { ...published, prediction_horizon: horizon });
    expect([status, body.errors[0].pointer]).toEqual([422, '/prediction_horizon']);
  });

  test('a type without a generic model is 404 until one is deployed for the symbol', async () => {
    const { status, body } = await engine.post('/predict', { ...published, model_type: 'market_regime' });
    expect([status, body.type]).toEqual([404, '/problems/not-found']);
    expect(body.detail).toContain('/symbols/0');
    expect(JSON.stringify(body)).not.toContain('AAPL');
  });
});
