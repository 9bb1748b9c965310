// Which models stay open: as many as fit in bytes, none that is forgotten, and whoever still uses one is served.
import { afterEach, describe, expect, test } from 'bun:test';
import { NotFoundError } from '../../../src/core/errors.ts';
import { Registry } from '../../../src/http/prom.ts';
import { openSession } from '../../../src/onnx/session.ts';
import type { FoundModel, ModelSource } from '../model-source.ts';
import { ModelLimitError } from './errors.ts';
import { ServingMetrics } from './metrics.ts';
import { ServedModels } from './models.ts';
import { Predictor } from './predictor.ts';
import { COLUMNS, network, poolOf, someRows } from './test-models.ts';

const LONG = { timeoutMs: 60_000 };
// Of equal size, and of different bits by their width.
const files: Record<string, Uint8Array> = {
  a: network(1, 30, 2),
  b: network(1, 30, 3),
  c: network(1, 30, 4),
  // Over 8 MiB, which never runs within the engine, on however quick a machine.
  large: network(2, 1500, 2),
};

let close: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(close.map((end) => end()));
  close = [];
});

/** A source with a look-up that counts, and serving over it. */
function serve(over: { cacheBytes?: number; maxBatchRows?: number } = {}) {
  const reads: string[] = [];
  const source: ModelSource & { leadsTo: Record<string, string> } = {
    leadsTo: {},
    async find(reference) {
      const id = source.leadsTo[reference] ?? reference;
      const bytes = files[id];
      if (!bytes) throw new NotFoundError('Expected the id of a registered model');
      const card = {
        model_id: id,
        version: '1.0.0',
        model_type: 'regression',
        inputs: Array.from({ length: COLUMNS }, (_, i) => ({ name: `x${i}` })),
        output: { name: 'output' },
        artefact: { sha256: `sha-${id}`, bytes: bytes.length },
      };
      const found: FoundModel = {
        key: `${id}@1.0.0`,
        card,
        bytes: async () => {
          reads.push(id);
          return bytes;
        },
      };
      return found;
    },
  };
  const { pool, log } = poolOf();
  const models = new ServedModels({ source, pool, cacheBytes: 1e9, maxBatchRows: 64, ...over });
  const metrics = new ServingMetrics(new Registry(), () => ({ waiting: 0, processes: 0, cacheBytes: 0 }));
  const predictor = new Predictor(models, pool, metrics);
  close.push(async () => {
    await pool.close();
    await models.close();
  });
  return { source, reads, pool, log, models, predictor };
}

describe('open models', () => {
  test('are shared by callers at the same time, and looked up once', async () => {
    const { models, reads } = serve();
    const [first, second] = await Promise.all([models.get('a', 'auto', LONG), models.get('a', 'auto', LONG)]);
    expect(first).toBe(second);
    expect(await models.get('a', 'cpu', LONG)).toBe(first);
    expect(models.size).toBe(1);
    expect(new Set(reads)).toEqual(new Set(['a']));
  });

  test('are at most as many as MODEL_CACHE_SIZE has bytes for: the one that was not asked for longest goes', async () => {
    const bytes = files.a!.length + files.b!.length + 600;
    const { models, reads } = serve({ cacheBytes: bytes });
    for (const id of ['a', 'b', 'a', 'c']) await models.get(id, 'auto', LONG);
    expect(models.bytes).toBeLessThanOrEqual(bytes);
    for (const id of ['a', 'c']) await models.get(id, 'auto', LONG);
    expect(reads).toEqual(['a', 'b', 'c']);
    await models.get('b', 'auto', LONG);
    expect(reads).toEqual(['a', 'b', 'c', 'b']);
  });

  test('that are larger than the cache are refused before they are read', async () => {
    const { models, reads } = serve({ cacheBytes: files.a!.length - 1 });
    const refused = models.get('a', 'auto', LONG);
    await expect(refused).rejects.toMatchObject({ slug: 'too-large', status: 413 });
    expect([reads, models.size]).toEqual([[], 0]);
  });

  test('are looked up again once they are forgotten', async () => {
    const { models, source } = serve();
    source.leadsTo.alias = 'a';
    expect((await models.get('alias', 'auto', LONG)).card.model_id).toBe('a');
    source.leadsTo.alias = 'b';
    expect((await models.get('alias', 'auto', LONG)).card.model_id).toBe('a');
    models.forget('alias');
    expect((await models.get('alias', 'auto', LONG)).card.model_id).toBe('b');
  });

  test('that fail to open are forgotten', async () => {
    const { models } = serve();
    await expect(models.get('unknown', 'auto', LONG)).rejects.toThrow('registered model');
    files.broken = network(1, 8).slice(0, 50);
    await expect(models.get('broken', 'auto', LONG)).rejects.toMatchObject({ slug: 'invalid-model' });
    files.broken = network(1, 8);
    expect((await models.get('broken', 'auto', LONG)).pooled.width).toBe(2);
  });

  test('that are set aside are refused until their time is over', async () => {
    const { models } = serve();
    const { pooled } = await models.get('a', 'auto', LONG);
    models.drop('a');
    models.setAside(pooled.key, new ModelLimitError('Expected less', 30));
    await expect(models.get('a', 'auto', LONG)).rejects.toMatchObject({
      slug: 'model-limit',
      extras: { retry_after_s: 30 },
    });
    models.setAside(pooled.key, new ModelLimitError('Expected less', 0));
    expect((await models.get('a', 'auto', LONG)).card.model_id).toBe('a');
  });
});

describe('a prediction', () => {
  test('has the same bits in this process and in a child process, in one run and in several', async () => {
    const { models, pool, predictor } = serve({ maxBatchRows: 7 });
    const model = await models.get('a', 'auto', LONG);
    expect(model.session).not.toBeNull();
    const rows = { values: someRows(50), count: 50 };
    const here = await predictor.predict(model, rows, LONG);
    const there = await predictor.predict({ ...model, session: null }, rows, LONG);
    expect([here.where, there.where]).toEqual(['in_process', 'child_process']);
    expect(here.output).toEqual(there.output);
    const alone = await pool.run(model.pooled, rows.values.subarray(0, COLUMNS), 1, LONG);
    expect([...here.output.subarray(0, 2)]).toEqual([...alone.output]);
  });

  test('of a large model runs in a child process, and is what the bare session gives', async () => {
    const { models, predictor } = serve();
    const model = await models.get('large', 'auto', LONG);
    expect(model.session).toBeNull();
    const { output, where } = await predictor.predict(model, { values: someRows(20), count: 20 }, LONG);
    expect(where).toBe('child_process');
    const session = await openSession(files.large!);
    expect(output).toEqual(await session.predict(someRows(20), 20));
    await session.close();
  });

  test('of a model that is dropped in the middle is still answered', async () => {
    const { models, predictor } = serve();
    const [quick, large] = await Promise.all(['a', 'large'].map((id) => models.get(id, 'auto', LONG)));
    const rows = { values: someRows(3), count: 3 };
    const before = await predictor.predict(quick!, rows, LONG);
    const running = predictor.predict(large!, rows, LONG);
    for (const id of ['a', 'large']) models.drop(id);
    expect((await running).output).toHaveLength(6);
    await models.close();
    const after = await predictor.predict(quick!, rows, LONG);
    expect([after.where, after.output]).toEqual(['child_process', before.output]);
    expect(models.size).toBe(0);
  });
});

test('hardware that is not here is refused, and named', async () => {
  if (process.platform === 'darwin') return;
  const { models } = serve();
  for (const asked of ['coreml', 'coreml-gpu'] as const)
    await expect(models.get('a', asked, LONG)).rejects.toMatchObject({ slug: 'backend-unavailable' });
});
