// Sentiment of texts through the engine's port.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { lexiconOf } from '../../../../src/text/lexicons.ts';
import { vaderScore } from '../../../../src/text/vader.ts';
import { TestEngine } from '../../../../test/support/engine.ts';
import definition from '../../index.ts';

const env = { NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../../../models') };

describe('texts', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start(definition, env);
  });
  afterAll(() => engine.stop());

  const ask = (body: object, path = '/predict') => engine.post(path, { model_type: 'sentiment', ...body });

  test('get a score, a label and a confidence each, and the mean of their symbol', async () => {
    const rise = 'Apple beats expectations, profits surge';
    const texts = [
      { text: rise, symbol: 'AAPL' },
      { text: 'Apple faces a lawsuit', symbol: 'AAPL' },
      'Oracle holds its annual meeting',
      { text: 'Oracle shares plunge after a profit warning', symbol: 'ORCL' },
    ];
    const { status, body } = await ask({ texts });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      model_type: 'sentiment',
      model_id: 'lexicon-finance',
      hardware_used: 'cpu',
    });
    const [good, bad, plain, worse] = body.predictions;
    expect(body.predictions.map((one: { label: string }) => one.label)).toEqual([
      'positive',
      'negative',
      'neutral',
      'negative',
    ]);
    const lexicon = await lexiconOf('lexicon-finance');
    expect(good).toMatchObject({
      score: vaderScore(rise, lexicon),
      symbol: 'AAPL',
      calibrated: true,
    });
    expect([plain.symbol, plain.score, worse.symbol]).toEqual([null, 0, 'ORCL']);
    const mean = (good.score + bad.score) / 2;
    expect(body.symbols.AAPL).toMatchObject({ score: mean, texts: 2, negative: 1, neutral: 0, positive: 1 });
    expect(Object.keys(body.symbols)).toEqual(['AAPL', 'ORCL']);
  });

  test('are scored by the lexicon that is named, on every route of predictions', async () => {
    const texts = ['Shares fell'];
    const [finance, vader] = await Promise.all([ask({ texts }), ask({ texts, model_id: 'lexicon-vader' })]);
    expect([finance.body.predictions[0].label, vader.body.predictions[0].label]).toEqual([
      'negative',
      'positive',
    ]);
    for (const path of ['/predict/batch', '/predict/hybrid']) {
      expect((await ask({ texts }, path)).body.predictions).toEqual(finance.body.predictions);
    }
    const refused = await ask({ texts }, '/predict/metal-gpu');
    expect([refused.status, refused.body.type]).toEqual([503, '/problems/backend-unavailable']);
    const allowed = await ask({ texts, allow_fallback: true }, '/predict/metal-gpu');
    expect([allowed.status, allowed.body.hardware_used]).toEqual([200, 'cpu']);
  });

  test('are counted by scorer', async () => {
    const counted = async () => {
      const metrics = await (await fetch(`${engine.url}/metrics`)).text();
      return Number(
        /^nautilus_ml_predictions_total\{.*model_id="lexicon-vader".* (\d+)$/m.exec(metrics)?.[1] ?? 0,
      );
    };
    const before = await counted();
    await ask({ texts: ['a', 'b', 'c'], model_id: 'lexicon-vader' });
    expect((await counted()) - before).toBe(3);
  });

  test('of more than one turn are all scored, in order', async () => {
    const texts = Array.from({ length: 40 }, (_, i) => `${'word '.repeat(900)}${i % 2 ? 'profit' : 'fraud'}`);
    const { body } = await ask({ texts });
    expect(body.predictions.map(({ label }: { label: string }) => label)).toEqual(
      texts.map((_, i) => (i % 2 ? 'positive' : 'negative')),
    );
  });

  test.each([
    ['no texts', { texts: [] }, '/texts'],
    ['an empty text', { texts: ['a', ''] }, '/texts/1'],
    ['a long text', { texts: ['a'.repeat(10_001)] }, '/texts/0'],
    ['many texts', { texts: Array(1001).fill('a') }, '/texts'],
    ['a number', { texts: [1] }, '/texts/0'],
    ['an unknown field', { texts: ['a'], mood: 'good' }, ''],
  ])('are refused with their place: %s', async (_, change, pointer) => {
    const { status, body } = await ask(change);
    expect([status, body.errors[0].pointer.slice(0, pointer.length)]).toEqual([422, pointer]);
    expect(JSON.stringify(body)).not.toContain('aaaa');
  });
});
