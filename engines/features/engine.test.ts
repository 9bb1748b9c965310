// The Features engine through its port and the bus.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { topics } from '../../src/bus/topics.ts';
import { FEATURES, FeatureStream } from '../../src/indicators/index.ts';
import { buildInfo } from '../../src/native/index.ts';
import { TestEngine, walkBars } from '../../test/support/engine.ts';
import definition from './index.ts';

describe('features engine', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start(definition);
  });
  afterAll(() => engine.stop());

  const closes = walkBars('X', 300).map((b) => b.close);

  test('computes an indicator over a posted series, null before its warm-up', async () => {
    const { status, body } = await engine.post('/indicators/rsi', {
      options: { period: 14 },
      inputs: { close: closes },
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      indicator: 'rsi',
      options: { period: 14 },
      bars: 300,
      warmup: 14,
      hardware_used: 'cpu',
      backend: buildInfo().simdTarget,
    });
    expect(body.outputs.rsi.slice(0, 14)).toEqual(Array(14).fill(null));
    expect(body.outputs.rsi.slice(14).every((v: number) => v >= 0 && v <= 100)).toBe(true);
  });

  test('computes a long series off the thread, in single precision when asked, and says what ran it', async () => {
    const close = Array.from({ length: 20_000 }, (_, i) => 100 + Math.sin(i) * 3);
    const long = { options: { period: 14 }, inputs: { close } };
    const { body } = await engine.post('/indicators/rsi', { ...long, dtype: 'f32', backend: 'cpu' });
    const f64 = (await engine.post('/indicators/rsi', long)).body.outputs.rsi;
    expect(body.bars).toBe(20_000);
    expect(body.outputs.rsi.every((value: number) => value === null || Math.fround(value) === value)).toBe(
      true,
    );
    expect(body.outputs.rsi.at(-1)).toBeCloseTo(f64.at(-1), 3);
    const metal = await engine.post('/indicators/rsi', { ...long, dtype: 'f32', backend: 'metal' });
    expect(metal.status).toBe(503);
    expect(metal.body.type).toEndWith('backend-unavailable');
    expect(metal.body.errors[0].pointer).toBe('/backend');
  });

  test('streams the same numbers as the batch route gives', async () => {
    const bars = walkBars('STREAM', 260);
    for (const bar of bars)
      engine.bus.publish(topics.marketLiveData, { ...bar, source: 'replay' }, { tsEventUs: bar.ts_event_us });
    const streamed = (await engine.received(topics.featureValues, 260)).filter(
      (e) => e.body.symbol === 'STREAM',
    );
    const batch = await engine.post('/indicators/rsi', { inputs: { close: bars.map((b) => b.close) } });
    expect(streamed.map((e) => e.body.features.rsi_14)).toEqual(batch.body.outputs.rsi);
    const own = new FeatureStream();
    const expected = bars.map((bar) => own.update(bar));
    expect(streamed.at(-1)!.body.features).toEqual({ ...expected.at(-1)! });
    expect(streamed.map((e) => e.ts_event_us)).toEqual(bars.map((b) => b.ts_event_us));
    const latest = await engine.get('/features/STREAM');
    expect(latest.body).toMatchObject({ symbol: 'STREAM', bars: 260, close: bars.at(-1)!.close });
    expect(Object.keys(latest.body.features)).toEqual([...FEATURES]);
  });

  test('answers bad requests with problems that name the field and never echo the value', async () => {
    const secret = 'do-not-echo-me';
    const cases: [string, unknown, number, string, string][] = [
      ['/indicators/nope', { inputs: { close: [1, 2] } }, 404, 'not-found', ''],
      [
        '/indicators/rsi',
        { options: { period: 1 }, inputs: { close: [1, 2] } },
        422,
        'invalid-option',
        'period',
      ],
      [
        '/indicators/rsi',
        { options: { perod: 5 }, inputs: { close: [1, 2] } },
        422,
        'invalid-option',
        'perod',
      ],
      ['/indicators/rsi', { inputs: { close: [1, secret] } }, 422, 'invalid-option', '/inputs/close/1'],
      ['/indicators/rsi', { inputs: { close: [1, null] } }, 422, 'invalid-option', '/inputs/close/1'],
      ['/indicators/rsi', { inputs: {} }, 422, 'shape-mismatch', 'close'],
      ['/indicators/atr', { inputs: { high: [2], low: [1], close: [1, 2] } }, 422, 'shape-mismatch', ''],
      ['/indicators/rsi', undefined, 422, 'invalid-option', ''],
      ['/nowhere', {}, 404, 'not-found', ''],
    ];
    for (const [path, body, status, slug, named] of cases) {
      const answer = await engine.post(path, body);
      expect([path, answer.status, answer.type, answer.body.type]).toEqual([
        path,
        status,
        'application/problem+json',
        `/problems/${slug}`,
      ]);
      const text = JSON.stringify(answer.body);
      expect(text).toContain(named);
      expect(text).not.toContain(secret);
    }
    expect((await engine.get('/features/UNKNOWN')).status).toBe(404);
  });
});
