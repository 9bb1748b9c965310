// Two versions of a direction model of real bars, compared in the shadow as later bars come true: over HTTP alone.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import { comparisonOf, pairedRatesEvidence } from '../../../src/learning/experiments/sequential.ts';
import { sharedData } from '../../../test/shared-data.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';
import { begun, expectStatus } from './test-kit.ts';

const FILE = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');
/** Bars to learn from, and bars that come after. */
const LEARNT = 600;
const LATER = 80;
/** Rows of history of a prediction: more than its features read. */
const HISTORY = 30;

describe.skipIf(FILE === null)('bars of BTC-PERP (where this machine has the shared market data)', () => {
  let engine: TestEngine;
  let closes: number[];
  beforeAll(async () => {
    engine = await TestEngine.start(definition);
    const lines = new TextDecoder().decode(gunzipSync(await Bun.file(FILE!).bytes())).split('\n');
    closes = lines.slice(1, LEARNT + LATER + 2).map((line) => Number(line.split(',')[4]));
    const body = lines.slice(0, LEARNT + 1).join('\n');
    const made = await fetch(`${engine.url}/datasets?name=btc`, { method: 'POST', body });
    const { dataset_id } = (await made.json()) as { dataset_id: string };
    expectStatus(
      await engine.post('/models', { model_id: 'btc', model_type: 'direction', family: 'logistic' }),
      201,
    );
    const features = [1, 5, 15].map((periods) => ({ kind: 'log_return', column: 'close', periods }));
    // The second looks as far ahead, and is held back far more.
    for (const l2 of [1e-3, 10]) {
      const asked = {
        dataset_id,
        features,
        target: { kind: 'direction', column: 'close', horizon: 1 },
        resamples: 100,
      };
      const job = expectStatus(await engine.post('/models/btc/train', { ...asked, options: { l2 } }), 202);
      await eventually(
        async () => (await engine.get(job.progress_url)).body.state === 'completed',
        'the training',
      );
    }
    expectStatus(await engine.post('/models/btc/deploy', { version: '1' }), 200);
  }, 120_000);
  afterAll(() => engine?.stop());

  test('are counted as they come true, and decide no more than they can', async () => {
    const { experiment_id: id } = await begun(engine, {
      ...{ model_id: 'btc', mode: 'shadow', metric: 'accuracy', min_samples: 40 },
      guardrails: { latency_ms: null },
    });
    const predictions: { id: string; control: number[]; at: number }[] = [];
    for (let at = LEARNT; at < LEARNT + LATER; at++) {
      const bars = closes.slice(at - HISTORY + 1, at + 1).map((close) => ({ close }));
      const body = expectStatus(
        await engine.post('/predict', { model_id: 'btc', key: `bar-${at}`, bars }),
        200,
      );
      expect(body).toMatchObject({
        model_version: '1',
        experiment: { id, arm: 'control', key: `bar-${at}` },
      });
      predictions.push({ id: body.prediction_id, control: body.predictions[0], at });
    }
    const risesAt = (at: number) => (closes[at + 1]! > closes[at]! ? 1 : 0);
    // Late, in another order, in parts, and some of it twice.
    const late = predictions.toReversed().map((one) => ({ prediction_id: one.id, outcome: risesAt(one.at) }));
    for (const part of [late.slice(0, 30), late.slice(20, 50), late.slice(50)])
      expectStatus(await engine.post(`/experiments/${id}/outcomes`, { outcomes: part }), 200);

    const page = expectStatus(await engine.get(`/experiments/${id}`), 200);
    expect(page.arms.map(({ observations }: never) => observations)).toEqual([LATER, LATER]);
    // Probabilities of a fall and of a rise.
    const isRight = ([fall, rise]: number[], at: number) => (rise! > fall! ? 1 : 0) === risesAt(at);
    const right = predictions.filter(({ control, at }) => isRight(control, at)).length;
    expect(page.arms[0].value).toBeCloseTo(right / LATER, 12);
    // What the other version says of the same bars, asked by its name.
    let [gained, lost, agreed] = [0, 0, 0];
    for (const { control, at } of predictions) {
      const bars = closes.slice(at - HISTORY + 1, at + 1).map((close) => ({ close }));
      const { body } = await engine.post('/predict', { model_id: 'btc@2', bars });
      expect(body.predictions[0]).toHaveLength(2);
      const [first, second] = [isRight(control, at), isRight(body.predictions[0], at)];
      if (second && !first) gained++;
      if (first && !second) lost++;
      if (first === second) agreed++;
    }
    const known = comparisonOf(pairedRatesEvidence({ n: LATER, gained, lost })!, 0.05);
    const [found] = page.comparisons;
    expect(found.metric.effect).toBeCloseTo((gained - lost) / LATER, 12);
    expect([found.metric.low, found.metric.high]).toEqual([known.low, known.high]);
    expect(found.agreement).toBeCloseTo(agreed / LATER, 12);
    // Two versions of nearly a coin toss on so few bars: nothing can be said, and nothing is.
    expect([page.state, found.verdict]).toEqual(['running', 'open']);
    expect(found.p_value).toBeGreaterThan(0.05);
  }, 120_000);
});
