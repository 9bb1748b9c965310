// Models of other libraries through the port of the engine: posted, registered, deployed, predicted; what can't be represented is refused.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import golden from '../../../src/learning/import/golden.json' with { type: 'json' };
import { TestEngine } from '../../../test/support/engine.ts';
import definition from '../index.ts';

const unpack = (file: string) => new Uint8Array(gunzipSync(Buffer.from(file, 'base64')));

describe('models of other libraries', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start(definition);
  });
  afterAll(() => engine?.stop());

  const post = async (path: string, body: Uint8Array<ArrayBuffer>) => {
    const headers = { 'content-type': 'application/octet-stream' };
    const response = await fetch(engine.url + path, { method: 'POST', headers, body });
    // biome-ignore lint/suspicious/noExplicitAny: replies of several shapes
    return { status: response.status, body: (await response.json()) as any };
  };

  // One of each format that needs no choice of rounds.
  const cases = Object.values(
    Object.fromEntries(golden.cases.filter((one) => !('rounds' in one)).map((one) => [one.format, one])),
  );

  test('of every format there is one', () => {
    expect(cases.map(({ format }) => format).sort()).toEqual([
      'catboost_json',
      'lightgbm_text',
      'xgboost_json',
      'xgboost_ubj',
    ]);
  });

  test.each(cases)(
    '$format is recognised, registered, deployed, and predicts as its library does',
    async (one) => {
      const model_id = one.format.replaceAll('_', '-');
      const made = await post(`/models?model_id=${model_id}&model_type=imported`, unpack(one.file));
      expect([made.status, made.body.detail]).toEqual([201, undefined]);
      expect(made.body.task).toBe(one.width > 1 ? 'classification' : 'regression');
      const version = (await engine.get(`/models/${model_id}/versions/1`)).body;
      expect(version.lineage).toMatchObject({ imported_from: one.format });
      expect(version.signature.output.columns).toBe(one.width);
      expect((await engine.post(`/models/${model_id}/deploy`)).status).toBe(200);
      // JSON has no NaN: rows without missing values.
      const rows = Array.from({ length: one.rows.length / golden.columns }, (_, i) => i).filter((i) =>
        one.rows.slice(i * golden.columns, (i + 1) * golden.columns).every((value) => value !== null),
      );
      expect(rows.length).toBeGreaterThan(5);
      const inputs = rows.map((i) => one.rows.slice(i * golden.columns, (i + 1) * golden.columns));
      const said = await engine.post('/predict', { model_id, inputs });
      const numbers: number[] = said.body.predictions.flat();
      const expected = rows.flatMap((i) => one.expected.slice(i * one.width, (i + 1) * one.width));
      expect(numbers).toHaveLength(expected.length);
      for (const [i, value] of expected.entries()) {
        // The tolerance of the golden values: leaves are added in float32.
        expect(Math.abs(numbers[i]! - value) / Math.max(1, Math.abs(value))).toBeLessThan(golden.tolerance);
      }
    },
  );

  test('a version of another library joins a model that is there, and another format than asked for is refused', async () => {
    const lightgbm = unpack(cases.find(({ format }) => format === 'lightgbm_text')!.file);
    expect((await post('/models/xgboost-ubj/versions?format=lightgbm', lightgbm)).status).toBe(201);
    const wrong = await post('/models/xgboost-ubj/versions?format=catboost', lightgbm);
    expect([wrong.status, wrong.body.type]).toEqual([422, '/problems/invalid-model']);
    const onnx = await post('/models/xgboost-ubj/versions?format=onnx', lightgbm);
    expect([onnx.status, onnx.body.type]).toEqual([422, '/problems/invalid-model']);
    const unknown = await post('/models/xgboost-ubj/versions?format=h2o', lightgbm);
    expect([unknown.status, unknown.body.errors[0].pointer]).toEqual([422, '/format']);
    expect((await engine.get('/models/xgboost-ubj/versions')).body.versions).toHaveLength(2);
  });

  test('rounds beyond the best one need a word on which of them count', async () => {
    const stopped = unpack(golden.cases.find(({ name }) => name.includes('early stopping'))!.file);
    const path = '/models?model_id=stopped&model_type=imported';
    const silent = await post(path, stopped);
    expect([silent.status, silent.body.errors[0].pointer]).toEqual([422, '/rounds']);
    expect((await post(`${path}&rounds=best`, stopped)).status).toBe(201);
    // Of other libraries there is no such choice, and nothing is silently left out.
    for (const { format, file } of cases.filter((one) => !one.format.startsWith('xgboost'))) {
      const none = await post(`/models?model_id=none&model_type=imported&rounds=best`, unpack(file));
      expect([format, none.status, none.body.errors?.[0].pointer]).toEqual([format, 422, '/rounds']);
    }
    const definition = { model_id: 'later', model_type: 'imported', rounds: 'best' };
    expect((await engine.post('/models', definition)).body.errors[0].pointer).toBe('/rounds');
  });

  test('what can not be represented is refused by name, malformed files are too, and nothing is registered', async () => {
    const { part, file } = golden.refused[0]!;
    const refused = await post('/models?model_id=refused&model_type=imported', unpack(file));
    expect([refused.status, refused.body.type, refused.body.part]).toEqual([
      422,
      '/problems/unsupported-model',
      part,
    ]);
    for (const text of ['{"learner": 1', '{}', 'tree\nversion=v4\n']) {
      const bytes = new TextEncoder().encode(text);
      const broken = await post('/models?model_id=refused&model_type=imported', bytes);
      expect([broken.status, broken.body.type]).toEqual([422, '/problems/invalid-model']);
    }
    expect((await engine.get('/models/refused')).status).toBe(404);
  });
});
