import { describe, expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { MODEL_INPUTS } from '../../../src/indicators/feature-set.ts';
import { logisticProbability } from '../../../src/onnx/logistic.ts';
import { listModels, openModel } from '../../../src/onnx/registry.ts';
import { sharedData } from '../../../test/shared-data.ts';
import { readBars } from './bars.ts';
import { fitBaseline } from './baseline.ts';
import { readme } from './baseline-readme.ts';
import { slice } from './test-slice.ts';

const models = resolve(import.meta.dir, '../../../models');
const id = 'btc-direction-15m';
const data = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');

describe('the committed baseline model', () => {
  test('holds with its card, and nothing else in the registry is broken', async () => {
    const { models: cards, rejected } = await listModels(models);
    expect(rejected).toEqual([]);
    expect(cards.map((card) => card.model_id)).toContain(id);
  });

  test('takes the inputs of the feature set, in its order', async () => {
    const { card, session } = await openModel(models, id);
    expect(card.inputs.map((input) => input.name)).toEqual([...MODEL_INPUTS]);
    expect(session.summary.metadata.input_names).toBe(MODEL_INPUTS.join(','));
    await session.close();
  });

  test('gives the float64 formula of its card within 1e-6 on real inputs', async () => {
    const { card, session } = await openModel(models, id);
    const parameters = { ...card.parameters, inputNames: MODEL_INPUTS } as never;
    const output = await session.predict(Float32Array.from(slice.inputs), slice.rows);
    for (let i = 0; i < slice.rows; i++) {
      const row = slice.inputs.subarray(i * slice.columns, (i + 1) * slice.columns);
      // Inputs and parameters are rounded to float32 (6e-8 relative) and the sigmoid's slope is at most 1/4.
      expect(Math.abs(output[i]! - logisticProbability(parameters, row))).toBeLessThan(1e-6);
    }
    await session.close();
  });

  test('is described by the page that its card gives, which calls it no edge', async () => {
    const { card, session } = await openModel(models, id);
    await session.close();
    const page = await readFile(resolve(models, id, 'README.md'), 'utf8');
    expect(page).toBe(readme(card));
    expect(page).toContain('not a trading edge');
  });

  test.skipIf(!data)('comes out of its data again byte for byte (needs the shared data)', async () => {
    const { card, session } = await openModel(models, id);
    await session.close();
    const source = await readBars(data!, card.trained_on.symbol);
    const { files } = fitBaseline(source, {
      file: basename(data!),
      symbol: card.trained_on.symbol,
      horizon: card.hyperparameters.horizon_bars as number,
      l2: card.hyperparameters.l2 as number,
      seed: card.seed.value,
      created: null,
    });
    for (const [name, bytes] of Object.entries(files)) {
      expect(Buffer.compare(bytes, await readFile(resolve(models, id, name)))).toBe(0);
    }
  });
});
