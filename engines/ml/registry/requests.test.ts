// Requests about models: every form of a file, what is refused before anything is written, and who wins where two meet.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { NodeSpec } from '../../../src/onnx/graph.ts';
import { encodeLogistic, logisticProbability } from '../../../src/onnx/logistic.ts';
import { sha256 } from '../../../src/onnx/registry.ts';
import { logistic, modelOf } from '../../../src/onnx/test-models.ts';
import { type Reply, TestEngine } from '../../../test/support/engine.ts';
import { eventually } from '../../../test/support/eventually.ts';
import definition from '../index.ts';

const env = {
  NAUTILUS_MODELS_DIR: resolve(import.meta.dir, '../../../models'),
  NAUTILUS_MAX_BODY_BYTES: '20000',
};
const good = encodeLogistic(logistic);
const row = [0.55, -1, 1100];
const probability = logisticProbability(logistic, row);
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

describe('requests about models', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await TestEngine.start(definition, env);
  });
  afterAll(() => engine.stop());

  const send = async (path: string, init: RequestInit): Promise<Reply & { readonly headers: Headers }> => {
    const response = await fetch(engine.url + path, init);
    const type = response.headers.get('content-type') ?? '';
    return { status: response.status, type, headers: response.headers, body: await response.json() };
  };
  const octets = (path: string, body: Uint8Array<ArrayBuffer>) =>
    send(path, { method: 'POST', body, headers: { 'content-type': 'application/octet-stream' } });
  const form = (parts: Record<string, string | Blob>) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(parts)) body.append(name, value);
    return { method: 'POST', body };
  };
  const ids = async (query = '') =>
    (await engine.get(`/models${query}`)).body.models.map((m: { model_id: string }) => m.model_id);
  const files = () => {
    const folder = join(engine.dataDir, 'models');
    return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  };

  test('a file comes as bytes, beside its definition, or within it: the same version each time', async () => {
    const said = {
      model_type: 'trading_signals',
      task: 'classification',
      inputs: ['a', 'b', 'c'],
      output: { name: 'probability', meaning: 'probability of a rise' },
      metrics: { auc: 0.61, 'sharpe@5bps': -0.2 },
      lineage: { data: 'BTC-PERP', data_sha256: 'ab'.repeat(32), feature_set: 'core-1', seed: 7 },
      probe: [row],
      tags: ['crypto', 'crypto', 'a:b'],
    };
    const withParts = await send(
      '/models',
      form({ definition: JSON.stringify({ ...said, model_id: 'parts' }), artefact: new Blob([good]) }),
    );
    const within = await engine.post('/models', {
      ...said,
      model_id: 'within',
      artefact_base64: base64(good),
    });
    const alone = await octets('/models?model_id=alone&model_type=classification', good);
    expect([withParts.status, within.status, alone.status]).toEqual([201, 201, 201]);
    expect(withParts.headers.get('location')).toBe('/models/parts');
    expect(within.body).toMatchObject({
      model_type: 'trading_signals',
      task: 'classification',
      tags: ['a:b', 'crypto'],
    });
    const version = (await engine.get('/models/parts/versions/1')).body;
    expect(version).toMatchObject({
      stage: 'none',
      metrics: said.metrics,
      lineage: said.lineage,
      artefact: { sha256: sha256(good), bytes: good.length },
      signature: {
        input: { name: 'input', type: 'float32', columns: 3, names: said.inputs },
        output: { ...said.output, type: 'float32', columns: 1 },
      },
    });
    expect(files().map(({ name }) => name)).toEqual([sha256(good)]);
    const reply = await engine.post('/predict', { model_id: 'parts@latest', inputs: [row] });
    expect(reply.body).toMatchObject({ inputs: said.inputs, model_version: '1' });
    expect(reply.body.predictions[0]).toBeCloseTo(probability, 6);
    // The next version names the one that it was made from.
    const child = { inputs: said.inputs, lineage: { parent_version: '1' }, artefact_base64: base64(good) };
    expect((await engine.post('/models/parts/versions', child)).body.lineage).toEqual({
      parent_version: 'parts@1',
    });
  }, 120_000);

  test('a definition without a file waits for its training', async () => {
    const made = await engine.post('/models', { model_type: 'price_prediction', options: { alpha: 2 } });
    expect(made.body).toMatchObject({ newest_version: null, task: 'regression', options: { alpha: 2 } });
    const { model_id } = made.body;
    expect(model_id).toMatch(/^price-prediction-[0-9a-f]{12}$/);
    expect((await engine.get(`/models/${model_id}/status`)).body.status).toBe('defined');
    expect((await engine.post(`/models/${model_id}/deploy`)).status).toBe(404);
    expect((await engine.post('/predict', { model_id, inputs: [[1]] })).status).toBe(409);
    const withMetrics = await engine.post('/models', { model_type: 'x', metrics: { auc: 1 } });
    expect([withMetrics.status, withMetrics.body.errors[0].pointer]).toEqual([422, '/metrics']);
  });

  test('what is wrong is named, and nothing of it is written', async () => {
    const before = { ids: await ids(), files: files().length };
    const secret = 'do-not-echo-me';
    const json = (body: unknown) => () => engine.post('/models', body);
    const model = { model_id: 'wrong', model_type: 'regression' };
    const file = (bytes: Uint8Array, more: object = {}) =>
      json({ ...model, ...more, artefact_base64: base64(bytes) });
    const graph = (nodes: readonly NodeSpec[], over = {}) => file(modelOf(nodes, over));
    const add = (inputs: string[], output: string) => ({ op: 'Add', inputs, outputs: [output] });
    const wide = [{ name: 'input', type: 'float32', dims: ['N', 100_001] }];
    const noted: [() => Promise<Reply>, number, string, string][] = [
      [json({}), 422, 'invalid-option', '/model_type'],
      [json({ ...model, [secret.slice(0, 5)]: 1 }), 422, 'invalid-option', 'no such field'],
      [json({ ...model, model_id: 'Wrong' }), 422, 'invalid-option', '/model_id'],
      [json({ ...model, model_id: 'deployments' }), 422, 'invalid-option', '/model_id'],
      [json({ ...model, tags: [secret.toUpperCase()] }), 422, 'invalid-option', '/tags/0'],
      [json({ ...model, options: { a: 'x'.repeat(20_000), b: secret } }), 413, 'too-large', '20000'],
      [json({ ...model, lineage: { seed: -1 } }), 422, 'invalid-option', '/lineage/seed'],
      [json({ ...model, artefact_base64: secret }), 422, 'invalid-option', '/artefact_base64'],
      [json({ ...model, model_id: 'btc-direction-15m' }), 409, 'conflict', 'models directory'],
      [json({ ...model, model_id: 'parts' }), 409, 'conflict', 'taken'],
      [file(new TextEncoder().encode(secret)), 422, 'invalid-model', ''],
      [file(good.slice(0, 200)), 422, 'invalid-model', ''],
      [graph([{ op: 'Loop', inputs: ['input'], outputs: ['output'] }]), 422, 'invalid-model', 'Loop'],
      [graph([], { inputs: wide }), 422, 'invalid-model', '100000 columns'],
      [file(good, { inputs: ['a', 'b'] }), 422, 'shape-mismatch', '/inputs'],
      [file(good, { probe: [row, [1, 2]] }), 422, 'shape-mismatch', '/probe/1'],
      [file(good, { output: { name: secret } }), 422, 'invalid-option', '/output/name'],
      [file(good, { lineage: { parent_version: '9' } }), 422, 'invalid-option', '/lineage/parent_version'],
      // Only a process that runs it finds out about these.
      [
        graph([add(['input', 'b'], 'a'), add(['a', 'input'], 'b'), add(['a', 'b'], 'output')]),
        422,
        'invalid-model',
        '',
      ],
      [graph([{ op: 'Log', inputs: ['input'], outputs: ['output'] }]), 422, 'invalid-model', 'probe'],
      [() => octets('/models?model_type=regression', new Uint8Array(64 * 2 ** 20 + 1)), 413, 'too-large', ''],
      [() => octets(`/models?${secret.slice(0, 5)}=1`, good), 422, 'invalid-option', '/model_type'],
      [() => send('/models', form({ artefact: secret })), 400, 'malformed-body', 'artefact'],
      [
        () => send('/models', form({ definition: '{', artefact: new Blob([good]) })),
        400,
        'malformed-body',
        '',
      ],
      [() => send('/models', form({ other: new Blob([good]) })), 400, 'malformed-body', 'parts'],
      [() => send('/models', { method: 'POST', body: '{}' }), 400, 'malformed-body', 'multipart'],
      [() => engine.post('/models/nobody/versions', { artefact_base64: base64(good) }), 404, 'not-found', ''],
      [() => engine.post('/models/parts/versions', {}), 422, 'invalid-option', '/artefact_base64'],
      [() => engine.post('/models/btc-direction-15m/deploy'), 409, 'conflict', 'only read'],
      [() => engine.send('DELETE', '/models/btc-direction-15m'), 409, 'conflict', 'only read'],
      [() => engine.post('/models/nobody/deploy'), 404, 'not-found', ''],
      [() => engine.post('/models/parts/deploy', { version: '9' }), 404, 'not-found', ''],
      [() => engine.post('/models/parts/deploy', { target: secret }), 422, 'invalid-option', '/target'],
      [() => engine.post('/models/parts/rollback'), 409, 'conflict', 'served before'],
      [() => engine.send('PUT', '/models/parts', {}), 422, 'invalid-option', ''],
      [
        () => engine.send('PUT', '/models/parts', { aliases: { latest: '1' } }),
        422,
        'invalid-option',
        '/aliases',
      ],
      [
        () => engine.send('PUT', '/models/parts', { aliases: { champion: '7' } }),
        422,
        'invalid-option',
        '/aliases/champion',
      ],
      [
        () => engine.send('PUT', '/models/parts/versions/1', { stage: 'production' }),
        422,
        'invalid-option',
        '/stage',
      ],
      [() => engine.get('/models/parts/versions/champion'), 404, 'not-found', ''],
      [() => engine.get('/models?stage=elsewhere'), 422, 'invalid-option', 'query/stage'],
      [() => engine.post('/predict', { model_id: 'parts@7', inputs: [row] }), 404, 'not-found', ''],
    ];
    for (const [call, status, slug, named] of noted) {
      const { body, ...reply } = await call();
      const text = JSON.stringify(body);
      expect([text, reply.status, body.type, reply.type]).toEqual([
        text,
        status,
        `/problems/${slug}`,
        'application/problem+json',
      ]);
      expect(text).toContain(named);
      expect(text).not.toContain(secret);
    }
    expect({ ids: await ids(), files: files().length }).toEqual(before);
  }, 240_000);

  if (process.platform !== 'darwin') {
    test('hardware that is not here serves nothing', async () => {
      for (const target of ['neural_engine', 'metal_gpu']) {
        const { status, body } = await engine.post('/models/parts/deploy', { target });
        expect([status, body.type]).toEqual([503, '/problems/backend-unavailable']);
      }
      expect((await engine.get('/models/parts')).body.production_version).toBeNull();
    });
  }

  test('of two deployments at once one wins, and the other gets 409', async () => {
    const both = await Promise.all(
      ['1', '2'].map((version) => engine.post('/models/parts/deploy', { version })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    // The winner is open before the first request asks for it.
    expect((await engine.get('/models/parts/status')).body).toMatchObject({
      status: 'deployed',
      loaded: true,
    });
    const winner = both.find(({ status }) => status === 200)!.body;
    expect((await engine.get('/models/parts/deployments')).body.deployments).toEqual([
      expect.objectContaining({ seq: 1, version: winner.version }),
    ]);
    expect((await ids('?stage=production')).filter((id: string) => !id.includes('-generic-'))).toEqual([
      'btc-direction-15m',
      'parts',
    ]);
    expect(await ids('?tag=crypto&name=PART')).toEqual(['parts']);
    // The same again, as after a lost reply.
    const again = await engine.post('/models/parts/deploy', { version: winner.version });
    expect([again.status, again.body.seq]).toEqual([200, 1]);
  }, 120_000);

  test('a change of an older revision is refused; aliases lead to versions', async () => {
    const page = await send('/models/parts', {});
    const etag = page.headers.get('etag')!;
    expect(etag).toBe(`"${page.body.revision}"`);
    const put = (match: string, body: object) => {
      const headers = { 'content-type': 'application/json', 'if-match': match };
      return send('/models/parts', { method: 'PUT', headers, body: JSON.stringify(body) });
    };
    const changed = await put(etag, { aliases: { champion: '2' }, description: 'd', tags: [] });
    expect(changed.body).toMatchObject({ aliases: { champion: '2' }, description: 'd', tags: [] });
    const late = await put(etag, { description: 'lost' });
    expect([late.status, late.body.revision]).toEqual([409, changed.body.revision]);
    expect((await put('soon', { description: 'x' })).body.errors[0].pointer).toBe('header/if-match');
    expect((await engine.get('/models/parts/versions/champion')).body).toMatchObject({
      version: '2',
      aliases: ['champion'],
    });
    const reply = await engine.post('/predict', { model_id: 'parts@champion', inputs: [row] });
    expect(reply.body.model_version).toBe('2');
    expect((await put(changed.headers.get('etag')!, { aliases: { champion: '1' } })).status).toBe(200);
    const moved = await engine.post('/predict', { model_id: 'parts@champion', inputs: [row] });
    expect(moved.body.model_version).toBe('1');
  });

  test('a page of all models begins after the last one of the page before', async () => {
    const all = await ids();
    const found: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { body } = await engine.get(`/models?limit=2&cursor=${cursor}`);
      found.push(...body.models.map((m: { model_id: string }) => m.model_id));
      cursor = body.next_cursor;
    }
    expect(found).toEqual(all);
    expect(all).toContain('btc-direction-15m');
  });

  test('requests go on through a deployment and a rollback: each has the answer of the version that it names', async () => {
    await octets('/models?model_id=busy&model_type=classification', good);
    await engine.post('/models/busy/deploy');
    const steeper = { ...logistic, intercept: 2.5 };
    await octets('/models/busy/versions', encodeLogistic(steeper));
    const answers: Record<string, number> = { 1: probability, 2: logisticProbability(steeper, row) };
    const seen: string[] = [];
    let isOver = false;
    const ask = async () => {
      while (!isOver) {
        const { status, body } = await engine.post('/predict', { model_id: 'busy', inputs: [row] });
        expect([status, body.predictions?.[0]]).toEqual([
          200,
          expect.closeTo(answers[body.model_version]!, 6),
        ]);
        if (seen.at(-1) !== body.model_version) seen.push(body.model_version);
      }
    };
    const asking = ask();
    expect((await engine.post('/models/busy/deploy')).body.version).toBe('2');
    await eventually(() => seen.at(-1) === '2', 'the second version');
    expect((await engine.post('/models/busy/rollback')).body.version).toBe('1');
    await eventually(() => seen.length === 3, 'the first version again');
    isOver = true;
    await asking;
    expect(seen).toEqual(['1', '2', '1']);
  }, 120_000);

  test('a damaged file does not get to serve, and what served goes on', async () => {
    await octets('/models?model_id=sound&model_type=classification', good);
    await engine.post('/models/sound/deploy');
    const other = encodeLogistic({ ...logistic, intercept: 3 });
    await octets('/models/sound/versions', other);
    const hash = sha256(other);
    writeFileSync(join(engine.dataDir, 'models', hash.slice(0, 2), hash), good);
    const refused = await engine.post('/models/sound/deploy', { version: '2' });
    expect([refused.status, refused.body.type]).toEqual([503, '/problems/model-integrity']);
    const reply = await engine.post('/predict', { model_id: 'sound', inputs: [row] });
    expect([reply.body.model_version, reply.body.predictions[0]]).toEqual([
      '1',
      expect.closeTo(probability, 6),
    ]);
    const metrics = (await engine.get('/metrics')).body as string;
    expect(metrics).toMatch(/nautilus_ml_deploys_total\{[^}]*outcome="refused"[^}]*\} [1-9]/);
  }, 120_000);

  test('a model that serves is deleted by force only: requests end on it, the next ones do not find it', async () => {
    const refused = await engine.send('DELETE', '/models/sound');
    expect([refused.status, refused.body.production_version]).toEqual([409, '1']);
    const asked = Array.from({ length: 50 }, () =>
      engine.post('/predict', { model_id: 'sound', inputs: [row] }),
    );
    const gone = await engine.send('DELETE', '/models/sound?force=true');
    expect([gone.status, gone.body]).toEqual([200, { model_id: 'sound', versions: 2 }]);
    for (const { status, body } of await Promise.all(asked)) {
      if (status === 200) expect(body.predictions[0]).toBeCloseTo(probability, 6);
      else expect([status, body.type]).toEqual([404, '/problems/not-found']);
    }
    expect((await engine.post('/predict', { model_id: 'sound', inputs: [row] })).status).toBe(404);
    expect((await engine.get('/models/sound')).status).toBe(404);
    // Its history stays, and its numbers go on where the id is used again.
    expect((await engine.get('/models/sound/deployments')).body.deployments).toMatchObject([
      { seq: 2, kind: 'delete', version: null, previous_version: '1' },
      { seq: 1, kind: 'deploy', version: '1' },
    ]);
    const again = await octets('/models?model_id=sound&model_type=classification', good);
    expect(again.body.newest_version).toBe('3');
    expect((await engine.post('/models/sound/deploy')).body).toMatchObject({
      seq: 3,
      version: '3',
      previous_version: null,
    });
    expect((await engine.post('/models/sound/rollback')).status).toBe(409);
  }, 120_000);
});
