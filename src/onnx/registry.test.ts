import { afterAll, describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NotFoundError } from '../core/errors.ts';
import { ModelIntegrityError } from './errors.ts';
import { encodeLogistic } from './logistic.ts';
import type { ModelCard } from './model-card.ts';
import { listModels, loadModel, openModel, sha256 } from './registry.ts';
import { logistic, logisticRows } from './test-models.ts';

const directory = await mkdtemp(join(tmpdir(), 'onnx-registry-'));
afterAll(() => rm(directory, { recursive: true }));
const artefact = encodeLogistic(logistic);
const period = { from: '2022-01-01T00:00:00Z', to: '2022-01-02T00:00:00Z' };

function cardOf(id: string, changes: Partial<ModelCard> = {}): ModelCard {
  return {
    model_id: id,
    model_type: 'classification',
    version: '1.0.0',
    algorithm: 'logistic regression',
    inputs: logistic.inputNames.map((name) => ({ name, formula: name })),
    output: { name: 'probability', meaning: 'probability of something' },
    trained_on: {
      file: 'x.csv',
      sha256: '0'.repeat(64),
      symbol: 'X',
      interval_us: 60e6,
      rows: 10,
      ...period,
    },
    hyperparameters: { l2: 1 },
    split: {
      train_fraction: 0.7,
      embargo_bars: 1,
      train: { rows: 6, ...period },
      test: { rows: 3, ...period },
    },
    seed: { value: 0, used_for: 'nothing' },
    out_of_sample: { metrics: { auc: 0.5 }, intervals: {} },
    artefact: { file: 'model.onnx', sha256: sha256(artefact), bytes: artefact.length },
    created: '2022-01-02',
    licence: 'CC0',
    ...changes,
  };
}

async function store(id: string, card: unknown, bytes: Uint8Array | null = artefact): Promise<void> {
  await mkdir(join(directory, id), { recursive: true });
  await writeFile(join(directory, id, 'model.json'), typeof card === 'string' ? card : JSON.stringify(card));
  if (bytes) await writeFile(join(directory, id, 'model.onnx'), bytes);
}

describe('the model registry', () => {
  test('opens a model whose card and artefact agree', async () => {
    await store('good', cardOf('good'));
    const { card, session } = await openModel(directory, 'good');
    expect(card).toEqual(cardOf('good'));
    expect(await session.predict(logisticRows(4), 4)).toHaveLength(4);
    await session.close();
  });

  test('refuses an artefact with one other byte, a missing one and one of another length', async () => {
    const changed = artefact.slice();
    changed[100]! ^= 1;
    await store('changed', cardOf('changed'), changed);
    await store('absent', cardOf('absent'), null);
    await store('short', cardOf('short'), artefact.subarray(1));
    for (const id of ['changed', 'absent', 'short']) {
      await expect(loadModel(directory, id)).rejects.toThrow(ModelIntegrityError);
    }
  });

  test('does not know ids that name nothing or leave the directory', async () => {
    for (const id of ['nothing', '../good', '', '.', 'good/', 'GOOD', 'a'.repeat(65)]) {
      await expect(loadModel(directory, id)).rejects.toThrow(NotFoundError);
    }
  });

  test('refuses cards that are no JSON, miss a field, add one or name another model', async () => {
    await store('no-json', '{');
    await store('misses', { ...cardOf('misses'), licence: undefined });
    await store('adds', { ...cardOf('adds'), licens: 'CC0' });
    await store('other-name', cardOf('good'));
    for (const id of ['no-json', 'misses', 'adds', 'other-name']) {
      await expect(loadModel(directory, id)).rejects.toThrow(ModelIntegrityError);
    }
  });

  test('refuses a graph whose inputs are not those of the card', async () => {
    await store('narrow', cardOf('narrow', { inputs: [{ name: 'a', formula: 'a' }] }));
    await expect(openModel(directory, 'narrow')).rejects.toThrow(ModelIntegrityError);
  });

  test('lists what holds, sorted, and says which folders do not', async () => {
    await store('also-good', cardOf('also-good'));
    await store('broken', '{');
    await mkdir(join(directory, 'empty'), { recursive: true });
    await mkdir(join(directory, '.hidden'), { recursive: true });
    const { models, rejected } = await listModels(directory);
    const ids = models.map((card) => card.model_id);
    expect(ids).toEqual([...ids].sort());
    expect(ids).toContain('also-good');
    expect(ids).toContain('good');
    expect(rejected.map((entry) => entry.model_id)).toContain('broken');
    expect(rejected.map((entry) => entry.model_id)).toContain('empty');
    expect(rejected.map((entry) => entry.model_id)).not.toContain('.hidden');
  });

  test('says so when the directory is absent', async () => {
    await expect(listModels(join(directory, 'nowhere'))).rejects.toThrow(NotFoundError);
  });
});
