import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { DivergedError, InvalidOptionError } from '../../core/errors.ts';
import { encodeModel } from '../../onnx/graph.ts';
import { inspectModel } from '../../onnx/inspect.ts';
import { targetSchema } from '../tables/target.ts';
import { takeInputs } from '../validation/data.ts';
import { predictServed } from '../validation/serve.ts';
import { evaluate, type TrialCandidate } from './evaluate.ts';
import { fitFinal, stackMembers } from './final.ts';
import { lossOf, metricsOf, scoresOf } from './metric.ts';
import { stackOf } from './stack.ts';
import { stackGraph } from './stack-graph.ts';
import { searchTable, takeColumns } from './table.ts';
import { testInput, testSet } from './test-table.ts';

const control = { seed: 3, threads: 1, ownProcess: true };
const CANDIDATES: readonly TrialCandidate[] = [
  { family: 'gradient_boosting', options: { rounds: 60, min_rows: 5 } },
  { family: 'ridge', options: {}, groups: ['price'] },
  { family: 'mlp', options: { epochs: 10, hidden: [8] } },
  { family: 'xgboost', options: { rounds: 30, max_depth: 3 }, groups: ['volume'] },
];
const regression = searchTable(testSet(500), testInput());
const direction = targetSchema.parse({ kind: 'direction' });
const classes = searchTable(testSet(500, 'direction'), testInput({ target: direction, metric: 'log_loss' }));

describe('weights of a stack', () => {
  const rows = Uint32Array.from({ length: 40 }, (_, i) => i + 100);
  const number = fc.integer({ min: -20, max: 20 }).map((value) => value / 1000);
  const forecasts = fc
    .array(fc.array(number, { minLength: 40, maxLength: 40 }), { minLength: 1, maxLength: 4 })
    .map((members) => members.map((one) => ({ rows, width: 1, predictions: Float64Array.from(one) })));

  test('are a mean that is never worse than the best member, whatever is forecast and by whatever metric', () => {
    const { data, input } = regression;
    fc.assert(
      fc.property(forecasts, fc.constantFrom(...metricsOf(input.target)), (members, metric) => {
        const scored = members.map((one) => scoresOf(one, data, input, [metric])[metric]);
        const losses = scored.map((score) =>
          score == null ? Infinity : lossOf(metric, { [metric]: score }),
        );
        if (losses.every((loss) => loss === Infinity)) {
          expect(() => stackOf(members, data, metric, input)).toThrow(DivergedError);
          return;
        }
        const { weights, loss } = stackOf(members, data, metric, input);
        expect(loss).toBeLessThanOrEqual(Math.min(...losses));
        expect(weights.every((weight) => weight >= 0)).toBe(true);
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
      }),
      { numRuns: 40 },
    );
  });

  test('are those of the best mean of two opposite errors, and of a member alone', () => {
    const { data, input } = regression;
    const truth = Float64Array.from(rows, (row) => data.targets![row]!);
    const off = (by: number) => ({
      rows,
      width: 1,
      predictions: truth.map((value, i) => value + (i % 2 ? by : -by)),
    });
    const { weights, loss } = stackOf([off(0.01), off(-0.01), off(0.03)], data, 'rmse', input);
    expect([...weights]).toEqual([0.5, 0.5, 0]);
    expect(loss).toBeCloseTo(0, 12);
    expect([...stackOf([off(0.01)], data, 'rmse', input).weights]).toEqual([1]);
  });

  test('are refused without members, and for members of other rows', () => {
    const { data, input } = regression;
    const one = { rows, width: 1, predictions: new Float64Array(40) };
    expect(() => stackOf([], data, 'rmse', input)).toThrow(InvalidOptionError);
    const other = { ...one, rows: rows.map((row) => row + 1) };
    expect(() => stackOf([one, other], data, 'rmse', input)).toThrow(InvalidOptionError);
  });
});

describe('the model at the end', () => {
  test('serves the weighted mean of its members, each on its columns, and is tested on rows that no trial saw', async () => {
    for (const table of [regression, classes]) {
      const candidates = CANDIDATES.map((one) =>
        table === classes && one.family === 'ridge' ? { ...one, family: 'logistic' } : one,
      );
      const weights = [0.4, 0.3, 0.2, 0.1];
      const members = candidates.map((candidate, i) => ({ candidate, rounds: 20, weight: weights[i]! }));
      const { fitted, columns, inputs, result, data } = await fitFinal(members, table, control);
      expect([...columns]).toEqual([0, 1, 2, 3, 4]);
      expect(inputs).toEqual(['a', 'b', 'c', 'd', 'e']);
      inspectModel(encodeModel(fitted.model));
      const width = table.data.classes ?? 1;
      const expected = new Float64Array(table.outer.test.length * width);
      for (const member of members) {
        const alone = await fitFinal([{ ...member, weight: 1 }], table, control);
        const own = takeColumns(table.set.data, alone.columns);
        const { output } = await predictServed(
          alone.fitted.model,
          takeInputs(own, table.outer.test),
          own.columns,
        );
        output.forEach((value, i) => {
          expected[i]! += member.weight * value;
        });
      }
      const [path] = result.paths;
      expect([...path!.rows]).toEqual([...table.outer.test]);
      // Float32: four products and three sums of numbers of at most 1 (or of the size of the forecasts), each rounded to half of 2^-23 of its size.
      const size = Math.max(...expected.map(Math.abs));
      const worst = expected.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - path!.predictions[i]!)),
        0,
      );
      expect(worst).toBeLessThan(8 * 2 ** -24 * size);
      expect(path!.predictions.every((value) => width === 1 || (value >= 0 && value <= 1))).toBe(true);
      expect(data.rows).toBe(table.set.data.rows);
    }
  });

  test('is the trial itself where it is one: rounds as found, on all rows that trials saw, the same bits again', async () => {
    const [candidate] = CANDIDATES;
    const { rounds } = await evaluate(candidate!, regression, control);
    const final = await fitFinal([{ candidate: candidate!, rounds, weight: 1 }], regression, control);
    expect(final.fitted.facts.rounds).toBe(Math.round(rounds!));
    expect(final.fitted.facts.stopped_early).toBe(false);
    expect(final.fitted.importance!.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 5);
    const again = await fitFinal([{ candidate: candidate!, rounds, weight: 1 }], regression, control);
    expect(encodeModel(again.fitted.model)).toEqual(encodeModel(final.fitted.model));
  });

  test('reads the columns of its members alone', async () => {
    const member = { candidate: CANDIDATES[3]!, rounds: 5, weight: 1 };
    const { columns, inputs, fitted } = await fitFinal([member], regression, control);
    expect([...columns]).toEqual([3, 4]);
    expect(inputs).toEqual(['d', 'e']);
    expect(fitted.model.graph.inputs[0]!.dims[1]).toBe(2);
  });

  test('is made of the trials that a stack weighs, no worse than each of them on the rows of its weights', async () => {
    const { members, loss } = await stackMembers(CANDIDATES, regression, control);
    for (const { candidate, rounds, weight, place } of members) {
      expect(weight).toBeGreaterThan(0);
      expect(candidate).toBe(CANDIDATES[place]!);
      const alone = await evaluate(candidate, regression, control);
      expect(alone.rounds).toBe(rounds);
      expect(loss).toBeLessThanOrEqual(alone.loss);
    }
    expect(members.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
  });

  test('is refused without members, and graphs that do not belong together are', async () => {
    expect(await fitFinal([], regression, control).catch((error) => error)).toBeInstanceOf(
      InvalidOptionError,
    );
    const [one] = await Promise.all([
      fitFinal([{ candidate: CANDIDATES[1]!, rounds: null, weight: 1 }], regression, control),
    ]);
    const { model } = one!.fitted;
    const member = { model, columns: Uint32Array.of(0, 1, 2), weight: 0.5 };
    expect(() => stackGraph([], 5, 'regression')).toThrow(InvalidOptionError);
    expect(() => stackGraph([{ ...member, columns: Uint32Array.of(0, 9, 2) }], 5, 'regression')).toThrow(
      InvalidOptionError,
    );
    expect(() =>
      stackGraph([member, { ...member, model: { ...model, opset: 15 } }], 5, 'regression'),
    ).toThrow(InvalidOptionError);
  });
});
