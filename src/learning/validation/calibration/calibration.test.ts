import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InsufficientHistoryError, InvalidOptionError, ShapeMismatchError } from '../../../core/errors.ts';
import { Philox } from '../../../core/philox.ts';
import type { ModelSpec } from '../../../onnx/graph.ts';
import golden from '../golden.json' with { type: 'json' };
import { classificationScorer } from '../metrics/classification.ts';
import { scoreOnce } from '../metrics/scorer.ts';
import { predictServed } from '../serve.ts';
import { calibrationSchema, fitCalibration } from './calibrate.ts';
import { isotonicRegression, valueOnLine } from './isotonic.ts';
import { fitSigmoid, fitTemperature } from './parametric.ts';

const { x, y, isotonic, sigmoid, temperature } = golden.calibration;

/** A graph that gives its inputs back as probabilities. */
const echo = (classes: number): ModelSpec => ({
  graph: {
    name: 'echo',
    nodes: [{ op: 'Identity', inputs: ['input'], outputs: ['output'] }],
    constants: [],
    inputs: [{ name: 'input', type: 'float32', dims: ['N', classes] }],
    outputs: [{ name: 'output', type: 'float32', dims: ['N', classes] }],
  },
});

/** Forecasts that are too sure: labels follow probabilities squeezed towards the middle. */
function tooSure(rows: number, classes: number, seed: number) {
  const probabilities = new Float32Array(rows * classes);
  const labels = new Uint32Array(rows);
  const normals = new Philox(seed).fillNormal(new Float64Array(rows * classes));
  const uniforms = new Philox(seed, 1).fillUniform(new Float64Array(rows));
  for (let i = 0; i < rows; i++) {
    const z = [...normals.subarray(i * classes, (i + 1) * classes)];
    const shares = (degree: number) => {
      const raised = z.map((value) => Math.exp(value * degree));
      const total = raised.reduce((sum, value) => sum + value, 0);
      return raised.map((value) => value / total);
    };
    probabilities.set(shares(3), i * classes);
    let left = uniforms[i]!;
    const drawn = shares(1).findIndex((share) => {
      left -= share;
      return left < 0;
    });
    labels[i] = drawn < 0 ? classes - 1 : drawn;
  }
  return { probabilities, labels, classes };
}

describe('isotonicRegression', () => {
  test('gives the line of scikit-learn', () => {
    const line = isotonicRegression(x, y);
    const close = (ours: ArrayLike<number>, theirs: number[]) => {
      expect(ours.length).toBe(theirs.length);
      // Means of at most 200 zeros and ones.
      for (const [i, value] of theirs.entries()) expect(Math.abs(ours[i]! - value)).toBeLessThan(1e-12);
    };
    close(line.x, isotonic.knots_x);
    close(line.y, isotonic.knots_y);
    close(
      isotonic.at.map((at) => valueOnLine(line, at)),
      isotonic.values,
    );
  });

  test('never falls, keeps the mean, and gives a rising sample back', () => {
    const points = fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: -9, max: 9 })), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(points, (pairs) => {
        const [px, py] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
        const line = isotonicRegression(px, py);
        for (let k = 1; k < line.x.length; k++) {
          expect(line.x[k]!).toBeGreaterThan(line.x[k - 1]!);
          expect(line.y[k]!).toBeGreaterThanOrEqual(line.y[k - 1]!);
        }
        const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
        expect(sum(px.map((at) => valueOnLine(line, at)))).toBeCloseTo(sum(py), 8);
      }),
    );
    expect(isotonicRegression([1, 2, 3], [0, 5, 7])).toEqual({
      x: Float64Array.of(1, 2, 3),
      y: Float64Array.of(0, 5, 7),
    });
    expect(() => isotonicRegression([], [])).toThrow(ShapeMismatchError);
  });
});

describe('parametric calibration', () => {
  test('gives the sigmoid of scikit-learn', () => {
    const odds = Float64Array.from(x, (p) => Math.log(p / (1 - p)));
    const { slope, intercept } = fitSigmoid(odds, y);
    expect(Math.abs(slope - sigmoid.slope)).toBeLessThan(sigmoid.tolerance);
    expect(Math.abs(intercept - sigmoid.intercept)).toBeLessThan(sigmoid.tolerance);
  });

  test('gives the temperature of scikit-learn', () => {
    const z = Float64Array.from(temperature.probabilities, Math.log);
    const found = fitTemperature(z, temperature.labels, 3);
    expect(Math.abs(found - temperature.temperature)).toBeLessThan(temperature.tolerance);
  });

  test('stays finite where scores tell the labels apart, and where they say nothing', () => {
    const apart = fitSigmoid(Float64Array.of(-2, -1, 1, 2), [0, 0, 1, 1]);
    expect(apart.slope).toBeGreaterThan(0);
    expect(Number.isFinite(apart.slope)).toBe(true);
    const level = fitSigmoid(new Float64Array(4).fill(3), [0, 1, 1, 1]);
    // Platt's targets: three ones of 4/5 and a zero of 1/3.
    const mean = (3 * (4 / 5) + 1 / 3) / 4;
    expect(1 / (1 + Math.exp(-(level.slope * 3 + level.intercept)))).toBeCloseTo(mean, 6);
  });
});

describe('fitCalibration', () => {
  for (const [kind, classes] of [
    ['sigmoid', 2],
    ['isotonic', 2],
    ['temperature', 2],
    ['temperature', 4],
    ['isotonic', 4],
  ] as const) {
    test(`${kind} of ${classes} classes: the graph gives the reference, and other rows are better calibrated`, async () => {
      const calibrator = fitCalibration(kind, tooSure(2000, classes, 1));
      const fresh = tooSure(2000, classes, 2);
      const { output, width } = await predictServed(
        calibrator.apply(echo(classes)),
        fresh.probabilities,
        classes,
      );
      expect(width).toBe(classes);
      for (let i = 0; i < 2000; i++) {
        const row = fresh.probabilities.subarray(i * classes, (i + 1) * classes);
        const expected = calibrator.probabilities(row);
        for (const [k, value] of expected.entries()) {
          // Some hundred ramps, each rounded to float32 (6e-8) of at most 1, add to 1 at most.
          expect(Math.abs(output[i * classes + k]! - value)).toBeLessThan(2e-5);
        }
      }
      const scores = (probabilities: Float32Array) =>
        scoreOnce(
          classificationScorer({
            ...fresh,
            probabilities: Float64Array.from(probabilities, (p) => Math.min(1, p)),
          }),
        );
      const [before, after] = [scores(fresh.probabilities), scores(output)];
      expect(after.log_loss).toBeLessThan(before.log_loss);
      expect(after.calibration_error).toBeLessThan(before.calibration_error / 2);
    });
  }

  test('finds the temperature that was put in', () => {
    expect(fitCalibration('temperature', tooSure(4000, 3, 3)).facts.temperature!).toBeCloseTo(3, 0);
  });

  test('keeps a level line a probability for each row', async () => {
    const level = {
      probabilities: Float32Array.from({ length: 80 }, () => 0.5),
      labels: Uint32Array.from({ length: 40 }, (_, i) => (i < 10 ? 1 : 0)),
      classes: 2,
    };
    const { output } = await predictServed(
      fitCalibration('isotonic', level).apply(echo(2)),
      Float32Array.of(0.9, 0.1, 0.2, 0.8),
      2,
    );
    for (const [i, value] of [0.75, 0.25, 0.75, 0.25].entries()) expect(output[i]!).toBeCloseTo(value, 6);
  });

  test('refuses too few rows, an absent class, several classes for a sigmoid, and a second calibration', () => {
    expect(() => fitCalibration('sigmoid', tooSure(29, 2, 1))).toThrow(InsufficientHistoryError);
    const oneSided = { ...tooSure(100, 2, 1), labels: new Uint32Array(100) };
    expect(() => fitCalibration('isotonic', oneSided)).toThrow(InsufficientHistoryError);
    expect(() => fitCalibration('sigmoid', tooSure(100, 3, 1))).toThrow(InvalidOptionError);
    const calibrator = fitCalibration('sigmoid', tooSure(100, 2, 1));
    expect(() => calibrator.apply(calibrator.apply(echo(2)))).toThrow(InvalidOptionError);
    expect(calibrationSchema.safeParse({ kind: 'platt' }).success).toBe(false);
  });
});
