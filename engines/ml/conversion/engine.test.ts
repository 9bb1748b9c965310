// Variants through the port of the engine: made, measured on the test rows, deployed, served, taken back and refused.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readdirSync, utimesSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Philox } from '../../../src/core/philox.ts';
import { COLUMNS, servedNetwork } from '../../../src/learning/deep/test-networks.ts';
import { encodeModel } from '../../../src/onnx/graph.ts';
import { inspectModel } from '../../../src/onnx/inspect.ts';
import { encodeLogistic } from '../../../src/onnx/logistic.ts';
import { sha256 } from '../../../src/onnx/registry.ts';
import { logistic } from '../../../src/onnx/test-models.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { type EngineStore, STORES } from '../../../test/support/stores.ts';
import definition from '../index.ts';
import { SWEEP_AGE_MS } from '../registry/artefacts.ts';

const models = resolve(import.meta.dir, '../../../models');
const ROWS = 600;
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

/** A price whose next return follows `signal` with noise. */
function table(): string {
  const random = new Philox(11).fillUniform(new Float64Array(2 * ROWS));
  const lines = ['ts,close,signal,noise'];
  let close = 100;
  for (let i = 0; i < ROWS; i++) {
    const [signal, noise] = [random[2 * i]! - 0.5, random[2 * i + 1]! - 0.5];
    lines.push(`${1_600_000_000 + i * 60},${close},${signal},${noise}`);
    close *= Math.exp(0.01 * (signal + 0.5 * noise));
  }
  return `${lines.join('\n')}\n`;
}

for (const { name, present, start } of STORES) {
  describe.skipIf(!present)(`variants on ${name}`, () => {
    let store: EngineStore;
    let env: Record<string, string>;
    let engine: TestEngine;
    beforeAll(async () => {
      store = await start();
      env = { ...store.env(), NAUTILUS_MODELS_DIR: models };
      engine = await TestEngine.start(definition, env);
      for (const [id, bytes] of [
        ['mlp', encodeModel(servedNetwork('mlp', 4))],
        ['lstm', encodeModel(servedNetwork('lstm', 4))],
        ['line', encodeLogistic(logistic)],
      ] as const) {
        const body = { model_id: id, model_type: 'regression', artefact_base64: base64(bytes) };
        expect((await engine.post('/models', body)).status).toBe(201);
      }
    }, 60_000);
    afterAll(async () => {
      await engine?.stop();
      await store?.stop();
    });

    const convert = (id: string, body: object) => engine.post(`/models/${id}/versions/latest/convert`, body);
    const stored = () =>
      readdirSync(join(engine.dataDir, 'models'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => entry.name);
    const row = Array.from({ length: COLUMNS }, (_, i) => i / 8 - 0.5);
    const predicted = async (model_id: string) => {
      const { body } = await engine.post('/predict', { model_id, inputs: [row] });
      return body.predictions?.[0] ?? body;
    };

    test('a float16 variant has fixed rows, is measured on the CPU, and is made once', async () => {
      const { status, body } = await convert('mlp', { precision: 'float16' });
      expect([status, body.errors]).toEqual([200, undefined]);
      const source = sha256(encodeModel(servedNetwork('mlp', 4)));
      expect(body).toMatchObject({
        precision: 'float16',
        model_id: 'mlp',
        version: '1',
        source_sha256: source,
        measured_on: 'probe',
        why_probe: 'its lineage does not say how its rows were made',
        coverage: { accelerated_share: 1, partitions: 1, on_cpu: [] },
        int8: null,
        scores: null,
        reused: false,
      });
      expect(body.float16.kept).toEqual([{ reason: 'behind the last product', nodes: 1 }]);
      expect(body.difference.relative_error).toBeGreaterThan(0);
      expect(body.difference.relative_error).toBeLessThan(0.01);
      expect(body.cost).toBeLessThan(0.01);
      for (const file of body.files) {
        const bytes = await Bun.file(
          join(engine.dataDir, 'models', file.sha256.slice(0, 2), file.sha256),
        ).bytes();
        expect([sha256(bytes), bytes.length]).toEqual([file.sha256, file.bytes]);
        expect(inspectModel(bytes).inputs[0]!.dims).toEqual([file.rows, COLUMNS]);
        expect(inspectModel(bytes).metadata.source_sha256).toBe(source);
      }
      expect(body.files.map((file: { rows: number }) => file.rows)).toEqual([1, 64]);
      const again = await convert('mlp', { precision: 'float16' });
      expect(again.body).toEqual({ ...body, reused: true });
      const { reused: _, ...variant } = body;
      expect((await engine.get('/models/mlp/versions/1')).body.variants).toEqual([variant]);
      expect((await engine.get('/models/mlp/versions')).body.versions[0].variants).toEqual([variant]);
    });

    test('the version with 8-bit weights is deployed, serves, and is taken back', async () => {
      expect((await engine.post('/models/mlp/deploy', { target: 'cpu' })).body).toMatchObject({
        precision: 'float32',
        fallback: null,
        conversion: null,
      });
      const whole = await predicted('mlp');
      const deployed = await engine.post('/models/mlp/deploy', { precision: 'int8' });
      expect([deployed.status, deployed.body.detail]).toEqual([200, undefined]);
      expect(deployed.body).toMatchObject({
        seq: 2,
        precision: 'int8',
        hardware_used: 'cpu',
        conversion: { precision: 'int8', int8: { weights: 1 }, files: [{ rows: null }] },
      });
      const small = await predicted('mlp');
      expect(small).not.toEqual(whole);
      for (const [i, value] of small.entries()) expect(Math.abs(value - whole[i])).toBeLessThan(0.02);
      // By its number the version itself answers, by name its variant.
      expect(await predicted('mlp@1')).toEqual(whole);
      expect(await predicted('mlp@1+int8')).toEqual(small);
      expect(await predicted('mlp@production')).toEqual(small);
      expect((await engine.get('/models/mlp/status')).body).toMatchObject({ loaded: true, target: 'auto' });
      const back = await engine.post('/models/mlp/rollback');
      expect(back.body).toMatchObject({ seq: 3, precision: 'float32', conversion: null });
      expect(await predicted('mlp')).toEqual(whole);
      const history = (await engine.get('/models/mlp/deployments')).body.deployments;
      expect(history.map((one: { precision: string }) => one.precision)).toEqual([
        'float32',
        'int8',
        'float32',
      ]);
    });

    test('what would change nothing, costs too much or does not go together is refused, and nothing is stored', async () => {
      const before = stored();
      const said = async (path: string, body: object) => {
        const { status, body: reply } = await engine.post(path, body);
        return [status, reply.type, reply.detail];
      };
      const refused = '/problems/conversion-refused';
      const at = (id: string) => `/models/${id}/versions/1/convert`;
      expect(await said(at('lstm'), { precision: 'int8' })).toEqual([
        422,
        refused,
        expect.stringContaining('8 bits would change nothing'),
      ]);
      const dear = { precision: 'int8', max_cost: 1e-6 };
      // Also of one that is stored.
      expect(await said(at('mlp'), dear)).toEqual([
        422,
        refused,
        expect.stringContaining('at most 0.000001'),
      ]);
      expect(await said('/models/mlp/deploy', dear)).toEqual([
        422,
        refused,
        expect.stringContaining('at most 0.000001'),
      ]);
      const invalid = '/problems/invalid-option';
      expect(await said('/models/mlp/deploy', { precision: 'int8', target: 'neural_engine' })).toEqual([
        422,
        invalid,
        expect.stringContaining('Core ML does not take'),
      ]);
      expect(await said('/models/mlp/deploy', { precision: 'float16', target: 'cpu' })).toEqual([
        422,
        invalid,
        expect.stringContaining('neural_engine or metal_gpu'),
      ]);
      expect(await said(at('mlp'), { precision: 'int4' })).toEqual([422, invalid, expect.any(String)]);
      expect(await said(at('mlp'), { precision: 'int8', max_cost: 2 })).toEqual([
        422,
        invalid,
        expect.any(String),
      ]);
      expect(await said(at('nobody'), { precision: 'int8' })).toEqual([
        404,
        '/problems/not-found',
        expect.any(String),
      ]);
      expect((await predicted('lstm@1+int8')).type).toBe('/problems/not-found');
      expect(stored()).toEqual(before);
      expect((await engine.get('/models/lstm/versions/1')).body.variants).toEqual([]);
    });

    test.skipIf(process.platform === 'darwin')(
      'hardware that is absent stays absent, whatever is converted',
      async () => {
        const { status, body } = await engine.post('/models/mlp/deploy', {
          target: 'neural_engine',
          allow_fallback: true,
        });
        expect([status, body.type]).toEqual([503, '/problems/backend-unavailable']);
      },
    );

    test('a trained version is scored on its test rows before and after', async () => {
      const headers = { 'content-type': 'text/csv' };
      const sent = await fetch(`${engine.url}/datasets?name=walk`, {
        method: 'POST',
        body: table(),
        headers,
      });
      const { dataset_id } = (await sent.json()) as { dataset_id: string };
      await engine.post('/models', { model_id: 'trained', model_type: 'price_prediction', family: 'mlp' });
      const request = {
        dataset_id,
        options: { hidden: [64], epochs: 20 },
        features: ['signal', 'noise'].map((column) => ({ kind: 'value', column })),
        target: { kind: 'log_return', horizon: 1 },
        resamples: 100,
      };
      const { body: job } = await engine.post('/models/trained/train', request);
      let state = '';
      await eventually(async () => {
        const { body } = await engine.get(job.progress_url);
        state = body.state;
        return body.finished_ts_us !== null;
      }, 'the training ends');
      expect(state).toBe('completed');
      const { metrics } = (await engine.get('/models/trained/versions/1')).body;
      for (const precision of ['float16', 'int8'] as const) {
        const { body } = await convert('trained', { precision, max_cost: 0.5 });
        expect(body).toMatchObject({ measured_on: 'test_rows', why_probe: null, scores: { score: 'rmse' } });
        const { before, after } = body.scores;
        // The same rows and the same arithmetic as in the training.
        expect(before.value).toBeCloseTo(metrics['regression.rmse'], 12);
        expect(after.value).not.toBe(before.value);
        expect(body.cost).toBeCloseTo(after.value / before.value - 1, 12);
        expect(before.low).toBeLessThan(before.value);
        expect(body.difference.rows).toBeGreaterThan(100);
        expect(Math.abs(body.cost)).toBeLessThan(0.05);
      }
      // A recipe that an upload brings need not fit its graph.
      const { lineage } = (await engine.get('/models/trained/versions/1')).body;
      await engine.post('/models/trained/versions', {
        artefact_base64: base64(encodeLogistic(logistic)),
        lineage,
      });
      const unfit = await convert('trained', { precision: 'float16' });
      expect([unfit.status, unfit.body.measured_on, unfit.body.why_probe]).toEqual([
        200,
        'probe',
        expect.stringContaining('cannot be made again'),
      ]);
      // Without its table the probe is what is left.
      expect((await fetch(`${engine.url}/datasets/${dataset_id}`, { method: 'DELETE' })).status).toBe(204);
      await engine.post('/models/trained/versions', {
        artefact_base64: base64(
          encodeLogistic({
            ...logistic,
            inputNames: ['a', 'b'],
            mean: [0, 0],
            std: [1, 1],
            coefficients: [1, 2],
          }),
        ),
        lineage,
      });
      const { body } = await convert('trained', { precision: 'float16' });
      expect(body).toMatchObject({
        measured_on: 'probe',
        why_probe: expect.stringContaining('cannot be made again'),
      });
    }, 120_000);

    test('the files of a variant go with its model', async () => {
      const { body } = await engine.get('/models/mlp/versions/1');
      expect(body.variants).toHaveLength(2);
      await engine.restart(definition, env);
      expect((await engine.get('/models/mlp/versions/1')).body.variants).toEqual(body.variants);
      const before = stored();
      const hashes = [
        body.artefact.sha256,
        ...body.variants.flatMap(({ files }: { files: { sha256: string }[] }) => files.map((f) => f.sha256)),
      ];
      expect(before).toEqual(expect.arrayContaining(hashes));
      await fetch(`${engine.url}/models/mlp?force=true`, { method: 'DELETE' });
      expect((await convert('mlp', { precision: 'int8' })).status).toBe(404);
      expect((await predicted('mlp@1+int8')).status).toBe(404);
      // A start sweeps files that are old and that nobody needs.
      const old = (Date.now() - 2 * SWEEP_AGE_MS) / 1000;
      for (const hash of before) utimesSync(join(engine.dataDir, 'models', hash.slice(0, 2), hash), old, old);
      await engine.restart(definition, env);
      const left = before.filter((hash) => !hashes.includes(hash));
      expect(left.length).toBeGreaterThan(0);
      await eventually(() => Bun.deepEquals(stored().sort(), left.sort()), 'the files are swept');
    });
  });
}
