// The model of the stream, watched: the bars that follow tell what came true, and a replay is not watched.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { topics } from '../../../src/bus/topics.ts';
import { TestEngine, walkBars } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';
import { featureBodies } from '../test-features.ts';

const BARS = 320;
const HORIZON = 15;

describe('the model of the stream', () => {
  let engine: TestEngine;
  const env = { NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../../models') };
  beforeAll(async () => {
    engine = await TestEngine.start(definition, env);
    await eventually(async () => (await engine.get('/health')).body.status === 'healthy', 'the model');
  });
  afterAll(() => engine?.stop());

  const path = '/monitors/btc-direction-15m';

  test('has its first window as reference, since its training is not here', async () => {
    const config = { window_rows: 60, outcome_rows: 40, detectors: [] };
    const { status, body } = await engine.send('PUT', path, config);
    expect([status, body.state, body.reference]).toEqual([200, 'watching', null]);
    const trains = await engine.send('PUT', path, { retrain: { dataset: { latest_of: 'btc' } } });
    expect(trains.status).toBe(409);
  });

  test('is judged by the bars that follow its predictions', async () => {
    const bars = walkBars('BTC-PERP', BARS);
    const bodies = featureBodies(bars);
    for (const [i, bar] of bars.entries()) {
      const meta = { tsEventUs: bar.ts_event_us };
      engine.bus.publish(topics.marketLiveData, { ...bar, source: 'simulated' }, meta);
      engine.bus.publish(topics.featureValues, bodies[i]!, meta);
    }
    const said = (await engine.received(topics.mlPredictions, BARS)).map(({ body }) => body.prediction);
    const known = said.flatMap((p, i) =>
      p === null || i + HORIZON >= BARS ? [] : [p >= 0.5 === bars[i + HORIZON]!.close > bars[i]!.close],
    );
    expect(known.length).toBeGreaterThan(80);
    let report = (await engine.post(`${path}/check`)).body;
    await eventually(async () => {
      report = (await engine.post(`${path}/check`)).body;
      return (await engine.get(path)).body.outcomes.matched === known.length;
    }, 'all outcomes');
    expect(report.accuracy).toMatchObject({ score: 'accuracy', baseline_from: 'test_rows' });
    const { body } = await engine.get(path);
    expect(body.reference).toMatchObject({ kind: 'first_window', rows: 60 });
    expect(body.reference.why).toContain('models directory');
    const last = bars.at(-1)!;
    const outcomes = [{ key: `BTC-PERP@${last.ts_event_us}`, value: 1 }];
    expect((await engine.post(`${path}/outcomes`, { outcomes })).body.matched).toBe(1);
  });
});
