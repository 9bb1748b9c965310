// The ML engine in replays, and with registries that are broken.
import { afterEach, describe, expect, test } from 'bun:test';
import { appendFileSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Bus } from '../../src/bus/client.ts';
import { topics } from '../../src/bus/topics.ts';
import { runLockstep, TestEngine, testSpec, walkBars } from '../../test/support/engine.ts';
import { eventually } from '../../test/support/eventually.ts';
import definition, { mlEngine } from './index.ts';
import { featureBodies } from './test-features.ts';

const committed = resolve(import.meta.dir, '../../models');
const ID = 'btc-direction-15m';
const BARS = 230;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** An empty folder for models, removed after the test. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'models-'));
  cleanups.push(() => rmSync(path, { recursive: true }));
  return path;
}

/** A registry with a copy of the committed model under each id, its card naming that id. */
async function registry(...ids: string[]): Promise<string> {
  const path = folder();
  const card = await Bun.file(join(committed, ID, 'model.json')).json();
  for (const id of ids) {
    mkdirSync(join(path, id));
    copyFileSync(join(committed, ID, 'model.onnx'), join(path, id, 'model.onnx'));
    writeFileSync(join(path, id, 'model.json'), JSON.stringify({ ...card, model_id: id }));
  }
  return path;
}

async function start(models: string, streamModel?: string): Promise<TestEngine> {
  const engine = await TestEngine.start(streamModel ? mlEngine({ streamModel }) : definition, {
    NAUTILUS_MODELS_DIR: models,
  });
  cleanups.push(() => engine.stop());
  return engine;
}

/** Replays the features of a walk; returns the predictions without what differs by design, and the summary. */
async function replay(engine: TestEngine, session: string, barrierEvents: number, strategy = 'ml-threshold') {
  const coordinator = new Bus('features', engine.hub.connect());
  const spec = testSpec('ml', { session, strategy, symbol: 'BTC-PERP', participants: ['features', 'ml'] });
  const feed = featureBodies(walkBars('BTC-PERP', BARS)).map((body, i) => ({
    body,
    tsEventUs: (i + 1) * 60_000_000,
  }));
  try {
    const outcome = await runLockstep(coordinator, spec, topics.featureValues, feed, { barrierEvents });
    const messages = engine.messages(topics.mlPredictions).filter((e) => e.session === session);
    return {
      summary: outcome.summaries.ml as Record<string, unknown>,
      predictions: messages.map(({ ts_event_us, body }) => ({ ts_event_us, ...body })),
    };
  } finally {
    await coordinator.close();
  }
}

async function settled(engine: TestEngine): Promise<{ loaded: boolean; reason: string | null }> {
  const model = async () => (await engine.get('/system/status')).body.model;
  await eventually(async () => (await model()).reason !== 'loading', 'the load of the model');
  return model();
}

describe('ml engine in a replay', () => {
  test('gives the same messages for any barrier and again on the same engine', async () => {
    const engine = await start(committed);
    // Begins while the model may still be loading: the replay waits for it.
    const one = await replay(engine, 'one', 1);
    const many = await replay(engine, 'many', 64);
    const again = await replay(engine, 'again', 64, 'ma-cross');
    expect(one.predictions).toHaveLength(BARS);
    expect(one.predictions.filter((p) => p.prediction === null)).toHaveLength(199);
    expect(many.predictions).toEqual(one.predictions);
    expect(again.predictions).toEqual(one.predictions);
    expect(one.summary).toEqual({
      predictions: BARS,
      without_value: 199,
      model_id: ID,
      model_version: '1.0.0',
      hardware_used: 'cpu',
    });
    expect(many.summary).toEqual(one.summary);
  });
});

describe('ml engine without its model', () => {
  test.each([
    ['an artefact of another hash', (models: string) => appendFileSync(join(models, ID, 'model.onnx'), 'x')],
    ['no artefact', (models: string) => rmSync(join(models, ID, 'model.onnx'))],
    ['a card that is no JSON', (models: string) => writeFileSync(join(models, ID, 'model.json'), '{')],
    ['no model', (models: string) => rmSync(join(models, ID), { recursive: true })],
  ])(
    'stays up with %s: degraded with the reason, null predictions, no model-driven replay',
    async (_, breakIt) => {
      const models = await registry(ID);
      breakIt(models);
      const engine = await start(models);
      const { loaded, reason } = await settled(engine);
      expect(loaded).toBe(false);
      expect(reason).toStartWith('Expected ');
      expect(reason).not.toContain(models);
      expect((await engine.get('/health')).body).toMatchObject({ status: 'degraded', missing: ['model'] });
      expect((await engine.get('/models')).body.stream).toMatchObject({ loaded: false, reason });

      const nulls = await replay(engine, 'nulls', 64, 'ma-cross');
      expect(nulls.predictions).toHaveLength(BARS);
      expect(nulls.predictions.every((p) => p.prediction === null && p.confidence === 0)).toBe(true);
      await expect(replay(engine, 'refused', 64)).rejects.toThrow('no model is loaded');

      const answer = await engine.post('/predict', { inputs: [Array(7).fill(0)] });
      expect([503, 404]).toContain(answer.status);
      expect(answer.type).toBe('application/problem+json');
    },
  );

  test('names a rejected card beside the good ones and refuses its page', async () => {
    const models = await registry('a-model', 'b-model');
    writeFileSync(join(models, 'b-model', 'model.json'), '{}');
    const engine = await start(models, 'a-model');
    await settled(engine);
    const { body } = await engine.get('/models');
    expect(body.models.map((m: { model_id: string }) => m.model_id)).toEqual(['a-model']);
    expect(body.rejected).toEqual([{ model_id: 'b-model', reason: expect.stringContaining('schema') }]);
    expect((await engine.get('/models/b-model')).body.type).toBe('/problems/model-integrity');
    expect((await engine.post('/predict', { model_id: 'b-model', inputs: [[0]] })).status).toBe(503);
  });

  test('loads the model at the next request or replay once its files are put right', async () => {
    const models = await registry(ID);
    appendFileSync(join(models, ID, 'model.onnx'), 'x');
    const engine = await start(models);
    expect((await settled(engine)).loaded).toBe(false);
    cpSync(committed, models, { recursive: true });
    expect((await replay(engine, 'mended', 64)).summary).toMatchObject({ without_value: 199 });
    expect((await engine.get('/health')).body.status).toBe('healthy');
  });

  test('answers 404 for models where there is no registry at all', async () => {
    const engine = await start(join(folder(), 'absent'));
    await settled(engine);
    expect((await engine.get('/models')).body).toMatchObject({ models: [], rejected: [] });
    expect((await engine.get(`/models/${ID}`)).status).toBe(404);
  });
});

describe('the model of the stream', () => {
  test('is the named one, else the only one, else btc-direction-15m, and never a guess', async () => {
    const cases: [string[], string | undefined, string | null][] = [
      [['other'], undefined, 'other'],
      [['other', ID], undefined, ID],
      [['other', ID], 'other', 'other'],
      [['a', 'b'], undefined, null],
    ];
    for (const [ids, asked, chosen] of cases) {
      const engine = await start(await registry(...ids), asked);
      const { loaded } = await settled(engine);
      const { model } = (await engine.get('/system/status')).body;
      expect([ids, asked, model.model_id, loaded]).toEqual([ids, asked, chosen, chosen !== null]);
    }
  });

  test('is refused when it reads other inputs than the stream has', async () => {
    const models = await registry(ID);
    const path = join(models, ID, 'model.json');
    const card = await Bun.file(path).json();
    card.inputs.reverse();
    writeFileSync(path, JSON.stringify(card));
    const engine = await start(models);
    expect(await settled(engine)).toMatchObject({
      loaded: false,
      reason: expect.stringContaining('to read the inputs rsi_14_centred'),
    });
    // Posted rows are in the order of its own card, so that requests may still use it by name.
    expect((await engine.post('/predict', { model_id: ID, inputs: [Array(7).fill(0)] })).status).toBe(200);
    expect((await engine.post('/predict', { model_id: ID, symbol: 'X' })).status).toBe(404);
  });

  test('is refused when it is no classifier; by name it predicts, without confidence and signal', async () => {
    const models = await registry(ID);
    const path = join(models, ID, 'model.json');
    writeFileSync(path, JSON.stringify({ ...(await Bun.file(path).json()), model_type: 'regression' }));
    const engine = await start(models);
    expect(await settled(engine)).toMatchObject({
      loaded: false,
      reason: expect.stringContaining('regression'),
    });
    const { status, body } = await engine.post('/predict', { model_id: ID, inputs: [Array(7).fill(0)] });
    expect(status).toBe(200);
    expect(body).toMatchObject({ confidence: null, signal: null, thresholds: null });
    expect(body.predictions).toHaveLength(1);
    expect((await engine.post('/predict', { inputs: [Array(7).fill(0)] })).status).toBe(503);
  });
});
