// Hidden Markov models as a family: the served filter is the kernel's, regimes have stable names, windows are checked.
import { describe, expect, test } from 'bun:test';
import { InsufficientHistoryError, InvalidOptionError, NonFiniteInputError } from '../../core/errors.ts';
import { CancelledError, hmmStates } from '../../native/index.ts';
import type { TrainingData } from '../family.ts';
import { servingModel } from './graph.ts';
import { hmm } from './hmm.ts';
import { filterSection, stationary } from './hmm-graph.ts';
import { control, normals, served } from './test-data.ts';

const fit = (data: TrainingData, given: object = {}, more: object = {}) =>
  hmm.fit('clustering', data, hmm.options.parse(given), { ...control, ...more });

/** Returns that are calm for 50 rows and wild for 50. */
function returns(seed: number, rows: number, columns: number): Float32Array {
  const normal = normals(seed);
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    const wild = Math.floor(i / columns / 50) % 2 === 1;
    return 1e-3 * (wild ? 3 : 0.5) * normal() + 0.5;
  });
}

describe('hmm', () => {
  test('names the calm state 0 and the wild one 1, whatever the seed', async () => {
    const inputs = returns(1, 1000, 1);
    for (const seed of [1, 2, 3]) {
      const { model, facts, history } = await fit({ inputs, rows: 1000, columns: 1 }, {}, { seed });
      expect(facts.converged).toBe(true);
      expect(Number(facts.state_0_mean_variance)).toBeLessThan(Number(facts.state_1_mean_variance) / 9);
      expect(Number(facts.state_0_rows) + Number(facts.state_1_rows)).toBe(1000);
      expect(Number(facts.state_0_stationary)).toBeCloseTo(0.5, 0);
      expect(history.length).toBe(5);
      const found = await served(model, Float32Array.of(0.5, 0.51), 2);
      expect(found[0]!).toBeGreaterThan(0.5);
      expect(found[3]!).toBeGreaterThan(0.99);
    }
  });

  test('serves the filter over a window, the newest step last', async () => {
    const [rows, features, steps] = [400, 2, 12];
    const series = returns(2, rows + steps - 1, features);
    const inputs = Float32Array.from({ length: rows * steps * features }, (_, i) => {
      const row = Math.floor(i / (steps * features));
      return series[row * features + (i % (steps * features))]!;
    });
    for (const covariance of ['diagonal', 'full']) {
      const data = { inputs, rows, columns: steps * features };
      const { model } = await fit(data, { states: 3, steps, covariance, starts: 2 });
      const found = await served(model, inputs, rows);
      const plain = await fit(
        { inputs: series.slice((steps - 1) * features), rows, columns: features },
        { states: 3, covariance, starts: 2 },
      );
      const alone = await served(plain.model, series.slice((steps - 1) * features), rows);
      let differs = 0;
      for (let i = 0; i < rows; i++) {
        const row = found.subarray(i * 3, i * 3 + 3);
        expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
        differs = Math.max(differs, Math.abs(row[0]! - alone[i * 3]!));
      }
      // What came before changes what a row means.
      expect(differs).toBeGreaterThan(0.05);
    }
  });

  test('gives the filter of the kernel within what float32 rounds', async () => {
    const model = {
      ...{ states: 2, columns: 2 },
      transitions: Float64Array.of(0.95, 0.05, 0.2, 0.8),
      means: Float64Array.of(0.1, 0, -0.5, 0.3),
      covariances: Float64Array.of(0.5, 0.1, 0.1, 0.4, 3, -1, -1, 2),
    };
    const [steps, rows] = [20, 30];
    const normal = normals(4);
    const inputs = Float32Array.from({ length: rows * steps * 2 }, () => 1.5 * normal());
    const standard = {
      shift: new Float32Array(40),
      scale: new Float32Array(40).fill(1),
      constant: 0,
      plain: true,
    };
    const graph = servingModel(40, standard, {
      name: 'hmm',
      doc: '',
      width: 2,
      ...filterSection(model, steps),
    });
    const found = await served(graph, inputs, rows);
    for (let i = 0; i < rows; i++) {
      const values = Float64Array.from(inputs.subarray(i * 40, (i + 1) * 40));
      const initial = stationary(model.transitions, 2);
      const { filtered } = hmmStates({ ...model, rows: steps, values, initial });
      // Log-densities of up to some tens in 24 bits.
      expect(Math.abs(found[2 * i]! - filtered[2 * (steps - 1)]!)).toBeLessThan(2e-5);
    }
  });

  test('knows the distribution that a chain keeps, also of one that goes round', () => {
    expect(stationary(Float64Array.of(0.9, 0.1, 0.3, 0.7), 2)[0]!).toBeCloseTo(0.75, 12);
    expect([...stationary(Float64Array.of(0, 1, 1, 0), 2)]).toEqual([0.5, 0.5]);
  });

  test('refuses weights, steps that do not divide the columns, few rows and NaN; stops when cancelled', async () => {
    const data = { inputs: returns(3, 100, 3), rows: 100, columns: 3 };
    await expect(fit({ ...data, weights: new Float32Array(100).fill(1) })).rejects.toThrow('weights');
    await expect(fit(data, { steps: 2 })).rejects.toThrow(InvalidOptionError);
    await expect(fit({ ...data, rows: 2, inputs: data.inputs.slice(0, 6) })).rejects.toThrow(
      InsufficientHistoryError,
    );
    await expect(fit({ ...data, inputs: data.inputs.with(4, Number.NaN) })).rejects.toThrow(
      NonFiniteInputError,
    );
    const stop = new AbortController();
    const progress = () => stop.abort();
    await expect(fit(data, {}, { signal: stop.signal, progress })).rejects.toThrow(CancelledError);
  });
});
