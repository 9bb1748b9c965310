import { describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import { sharedData } from '../../../test/shared-data.ts';
import { readFrameCsv } from '../tables/read-csv.ts';
import { targetSchema } from '../tables/target.ts';
import { schemeSchema } from '../validation/schemes.ts';
import { evaluate } from './evaluate.ts';
import { FEATURE_GROUPS, featureGroups } from './feature-groups.ts';
import { fitFinal, stackMembers } from './final.ts';
import { familiesOfTypes, optionsOf, publishedSpaces } from './mappings.ts';
import { samplerOf } from './samplers/index.ts';
import { prepareSearch } from './table.ts';

const file = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');
const ROWS = 1500;
const PUBLISHED = {
  model_types: ['xgboost', 'neural_network', 'transformer'],
  hyperparameters: {
    learning_rate: [0.001, 0.01, 0.1],
    hidden_layers: [2, 4, 8],
    dropout: [0.1, 0.2, 0.3],
  },
};

describe.skipIf(file === null)(
  'a search over real bars (where this machine has the shared market data)',
  () => {
    test('tries what the published example names, by the Sharpe ratio after costs, and ends with a stack', async () => {
      const lines = new TextDecoder().decode(gunzipSync(await Bun.file(file!).bytes())).split('\n');
      const body = lines.slice(0, ROWS + 1).join('\n');
      const limits = { maxBytes: 1e7, maxCells: 1e6 };
      const { frame } = await readFrameCsv(new Blob([body]).stream(), limits);
      const { groups, unused } = featureGroups(FEATURE_GROUPS, [...frame.columns.keys()]);
      expect(unused.map(({ name }) => name)).toEqual(['sentiment']);
      const table = prepareSearch(frame, {
        groups,
        target: targetSchema.parse({ kind: 'direction', horizon: 5 }),
        scheme: schemeSchema.parse({ kind: 'holdout', train_fraction: 0.7 }),
        metric: 'sharpe_ratio',
        costBps: 1,
        testFraction: 0.2,
        watchFraction: 0.15,
      });
      // Labels look 5 minutes ahead: none of a row that trials see reaches into those that they do not.
      expect(Math.max(...table.data.spans.endUs)).toBeLessThan(
        table.set.data.spans.startUs[table.outer.test[0]!]!,
      );
      const { families } = familiesOfTypes(PUBLISHED.model_types, table.task);
      const { spaces } = publishedSpaces(families, PUBLISHED.hyperparameters, table.task);
      const control = { seed: 1, threads: 1, ownProcess: true };
      const candidates = families.map((family) => {
        const point = samplerOf('random', { space: spaces.get(family)!, seed: 1 }).propose(0, [])!;
        const short = family === 'xgboost' ? { rounds: 20 } : { epochs: 2 };
        return { family, options: { ...short, ...optionsOf(family, point) }, groups: ['price', 'technical'] };
      });
      for (const candidate of candidates) {
        const { state, loss, scores, forecasts } = await evaluate(candidate, table, control);
        expect([candidate.family, state]).toEqual([candidate.family, 'complete']);
        expect(loss).toBe(-scores.sharpe_ratio!);
        expect(Object.values(scores)).not.toContain(null);
        expect([...forecasts.rows]).toEqual([...table.splits[0]!.test]);
      }
      const { members, loss } = await stackMembers(candidates, table, control);
      const { fitted, inputs, result } = await fitFinal(members, table, control);
      expect(Number.isFinite(loss)).toBe(true);
      expect(inputs).not.toContain('volume_z_score_20');
      expect(fitted.model.graph.inputs[0]!.dims[1]).toBe(inputs.length);
      expect(result.paths[0]!.rows.length).toBe(table.outer.test.length);
    });
  },
);
