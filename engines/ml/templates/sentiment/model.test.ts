// Uploaded text models through the engine's port: from two files to scores, and files and texts of strangers.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import type { Label } from '../../../../src/text/labels.ts';
import { ALL_INPUTS, bagGraph, LEARNT, learn } from '../../../../src/text/test-model.ts';
import { openTokenizer } from '../../../../src/text/tokenizer.ts';
import { TestEngine } from '../../../../test/support/engine.ts';
import definition from '../../index.ts';

const env = {
  NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../../../models'),
  NAUTILUS_PREDICT_PROCESSES: '1',
};
const golden = await Bun.file(resolve(import.meta.dir, '../../../../src/text/golden.json')).json();
const json = golden.tokenizers.cases.find(({ model }: { model: string }) => model === 'WordPiece').tokenizer;
const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const tokenizer = bytesOf(json);
const labels: Label[] = ['negative', 'neutral', 'positive'];
const weights = learn(tokenizer, labels);
const graph = bagGraph(weights, labels.length);
/** A pattern that takes for ever on a text that begins with a b and has no Z. */
const bomb = bytesOf({
  ...json,
  normalizer: { type: 'Replace', pattern: { Regex: '^b(.|.)*Z' }, content: '' },
});

/** What the graph says of a text, calculated here. */
function expected(text: string): number {
  const { ids } = openTokenizer(tokenizer).encode(text, 512);
  const logits = labels.map(
    (_, c) => ids.reduce((sum, id) => sum + weights[id * labels.length + c]!, 0) / ids.length,
  );
  const odds = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  return (odds[2]! - odds[0]!) / odds.reduce((sum, one) => sum + one, 0);
}

describe('a text model', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start(definition, env);
  });
  afterAll(() => engine.stop());

  const upload = async (said: object, parts: Record<string, Uint8Array<ArrayBuffer>>, path = '/models') => {
    const body = new FormData();
    body.append('definition', JSON.stringify(said));
    for (const [name, bytes] of Object.entries(parts)) body.append(name, new Blob([bytes]));
    const response = await fetch(engine.url + path, { method: 'POST', body });
    return { status: response.status, body: await response.json() };
  };
  const ask = (model_id: string, texts: string[], more = {}) =>
    engine.post('/predict', { model_type: 'sentiment', model_id, texts, ...more });
  const scores = ({ body }: { body: { predictions: { score: number }[] } }) =>
    body.predictions.map(({ score }) => score);

  test('is uploaded with its tokenizer, deployed, asked, rolled back and deleted', async () => {
    const made = await upload(
      { model_id: 'news', model_type: 'sentiment', labels },
      { artefact: graph, tokenizer },
    );
    expect([made.status, made.body.task]).toEqual([201, 'classification']);
    const { signature, artefact } = (await engine.get('/models/news/versions/1')).body;
    expect(signature.text).toEqual({ labels, max_tokens: 512, inputs: [...ALL_INPUTS] });
    expect(artefact.bytes).toBeGreaterThan(graph.length + tokenizer.length);

    const [listed] = (await engine.get('/models?name=news')).body.models;
    expect([listed.inputs, listed.model_type]).toEqual([['text'], 'sentiment']);

    expect((await engine.post('/models/news/deploy')).status).toBe(200);
    const texts = [...LEARNT.map(([, text]) => text), 'Zürich: 東京 😍', '...'];
    const { status, body } = await ask('news', texts);
    expect([status, body.model_id, body.model_version, body.hardware_used]).toEqual([
      200,
      'news',
      '1',
      'cpu',
    ]);
    for (const [i, text] of texts.entries()) expect(body.predictions[i].score).toBeCloseTo(expected(text), 5);
    const said = body.predictions.slice(0, LEARNT.length).map(({ label }: { label: Label }) => label);
    expect(said).toEqual(LEARNT.map(([label]) => label));
    expect(body.predictions[0]).toMatchObject({ calibrated: false, truncated: false });

    // A short reader of the same words, the other way round: what serves can be told apart.
    const short = { labels: labels.toReversed(), max_tokens: 8 };
    const next = await upload(short, { artefact: graph, tokenizer }, '/models/news/versions');
    expect([next.status, next.body.artefact.sha256 === artefact.sha256]).toEqual([201, false]);
    await engine.post('/models/news/deploy');
    const cut = await ask('news', [LEARNT[0]![1]]);
    expect(cut.body.predictions[0]).toMatchObject({ label: 'negative', truncated: true });
    expect(cut.body.predictions[0].tokens).toBe(
      openTokenizer(tokenizer).encode(LEARNT[0]![1], 512).ids.length,
    );
    expect((await engine.post('/models/news/rollback')).body.version).toBe('1');
    expect(scores(await ask('news', texts))).toEqual(scores({ body }));

    expect((await engine.send('DELETE', '/models/news?force=true')).status).toBe(200);
    expect((await ask('news', texts)).status).toBe(404);
  });

  test('has no 8-bit variant, and keeps serving when one is asked for', async () => {
    await upload({ model_id: 'plain', model_type: 'sentiment', labels }, { artefact: graph, tokenizer });
    await engine.post('/models/plain/deploy');
    const refused = await engine.post('/models/plain/deploy', { precision: 'int8' });
    expect([refused.status, refused.body.type]).toEqual([422, '/problems/conversion-refused']);
    expect((await ask('plain', ['Profits rose'])).body.predictions[0].label).toBe('positive');
  });

  test('gives a text the same bits in any company, also over several runs', async () => {
    await upload({ model_id: 'company', model_type: 'sentiment', labels }, { artefact: graph, tokenizer });
    const texts = Array.from({ length: 70 }, (_, i) => LEARNT[i % LEARNT.length]![1].repeat(1 + (i % 5)));
    const together = scores(await ask('company@1', texts));
    const alone = await Promise.all([0, 13, 33, 69].map((i) => ask('company@1', [texts[i]!])));
    expect(alone.flatMap(scores)).toEqual([0, 13, 33, 69].map((i) => together[i]!));
  });

  test('is an ONNX file: of another library it is refused by the field', async () => {
    for (const field of [{ format: 'xgboost' }, { rounds: 'best' }]) {
      const definition = { model_id: 'other', model_type: 'sentiment', labels, ...field };
      const { status, body } = await upload(definition, { artefact: graph, tokenizer });
      expect([status, body.errors[0].pointer]).toEqual([422, `/${Object.keys(field)[0]}`]);
    }
    const onnx = { model_id: 'said', model_type: 'sentiment', labels, format: 'onnx' };
    expect((await upload(onnx, { artefact: graph, tokenizer })).status).toBe(201);
  });

  test('takes no rows of numbers, and a model of numbers takes no texts', async () => {
    await upload({ model_id: 'words', model_type: 'sentiment', labels }, { artefact: graph, tokenizer });
    const rows = await engine.post('/predict', { model_id: 'words@1', inputs: [[1, 2]] });
    expect([rows.status, rows.body.errors[0].pointer]).toEqual([422, '/model_id']);
    const texts = await ask('btc-direction-15m', ['good']);
    expect([texts.status, texts.body.errors[0].pointer]).toEqual([422, '/model_id']);
  });

  test('that takes for ever on a text is stopped in time, and the engine goes on', async () => {
    const made = await upload(
      { model_id: 'bomb', model_type: 'sentiment', labels },
      { artefact: graph, tokenizer: bomb },
    );
    expect(made.status).toBe(201);
    expect((await ask('bomb@1', ['fine'])).status).toBe(200);
    const stopped = await ask('bomb@1', ['b'.repeat(200)], { timeout_ms: 300 });
    expect([stopped.status, stopped.body.type]).toEqual([504, '/problems/deadline-exceeded']);
    const other = await ask('company@1', [LEARNT[0]![1]]);
    expect([other.status, other.body.predictions[0].label]).toEqual([200, 'positive']);
  });

  const huge = new Uint8Array(16 * 2 ** 20 + 1);
  const wide = bagGraph(weights, labels.length, [...ALL_INPUTS, 'pixel_values']);
  const few = bagGraph(new Float32Array([0, 0, 0, 0, 0, 0]), 3);
  test.each([
    ['a tokenizer that is no JSON', {}, { tokenizer: new TextEncoder().encode('{') }, 422, 'invalid-model'],
    [
      'a tokenizer of words only',
      {},
      { tokenizer: bytesOf({ model: { type: 'WordLevel' } }) },
      422,
      'invalid-model',
    ],
    ['a large tokenizer', {}, { tokenizer: huge }, 413, 'too-large'],
    ['a graph of numbers', {}, { artefact: new Uint8Array(100) }, 422, 'invalid-model'],
    ['a graph with another input', {}, { artefact: wide }, 422, 'invalid-model'],
    ['a graph that knows fewer tokens than the tokenizer', {}, { artefact: few }, 422, 'invalid-model'],
    ['labels of other number than classes', { labels: ['negative', 'positive'] }, {}, 422, 'invalid-model'],
    ['labels that are the same', { labels: ['negative', 'positive', 'positive'] }, {}, 422, 'invalid-option'],
    ['no labels', { labels: undefined }, {}, 422, 'invalid-option'],
    ['names of columns', { inputs: ['a'] }, {}, 422, 'invalid-option'],
    ['the id of a lexicon', { model_id: 'lexicon-vader' }, {}, 422, 'invalid-option'],
  ])('is refused with %s, and nothing is stored', async (_, said, parts, status, problem) => {
    const model = { model_id: 'refused', model_type: 'sentiment', labels, ...said };
    const refused = await upload(model, { artefact: graph, tokenizer, ...parts } as never);
    expect([refused.status, refused.body.type]).toEqual([status, `/problems/${problem}`]);
    expect((await engine.get('/models/refused')).status).toBe(404);
  });

  test('needs its tokenizer', async () => {
    const model = { model_id: 'half', model_type: 'sentiment', labels };
    expect((await upload(model, { artefact: graph })).body.errors[0].pointer).toBe('/labels');
    expect((await upload(model, { tokenizer })).status).toBe(422);
  });
});
