// What answers score when something comes true, and what is refused.
import { describe, expect, test } from 'bun:test';
import { ShapeMismatchError } from '../../../src/core/errors.ts';
import {
  agreement,
  outcomeNumber,
  outcomeRows,
  type Said,
  type Scored,
  saidOf,
  scoreOf,
  unfitFor,
} from './scoring.ts';

const binary: Scored = { task: 'classification', width: 1, classes: null };
const signals: Scored = { task: 'classification', width: 3, classes: ['SELL', 'HOLD', 'BUY'] };
const regression: Scored = { task: 'regression', width: 1, classes: null };

describe('a score', () => {
  const said: Said = { p: [0.8, 0.3, 0.5], s: [1, -1, 0] };
  const three: Said = { p: [[0.2, 0.5, 0.3]] };

  test('of accuracy is whether the likeliest class came true', () => {
    expect([0, 1].map((outcome) => scoreOf('accuracy', said, 0, outcome))).toEqual([0, 1]);
    expect([0, 1].map((outcome) => scoreOf('accuracy', said, 1, outcome))).toEqual([1, 0]);
    expect([0, 1, 2].map((outcome) => scoreOf('accuracy', three, 0, outcome))).toEqual([0, 1, 0]);
  });

  test('of log-loss is minus the logarithm of what came true, and finite for what was impossible', () => {
    expect(scoreOf('log_loss', said, 0, 1)).toBeCloseTo(-Math.log(0.8), 12);
    expect(scoreOf('log_loss', said, 0, 0)).toBeCloseTo(-Math.log(0.2), 12);
    expect(scoreOf('log_loss', three, 0, 2)).toBeCloseTo(-Math.log(0.3), 12);
    expect(scoreOf('log_loss', { p: [1] }, 0, 0)).toBeCloseTo(52 * Math.LN2, 12);
    expect(scoreOf('log_loss', { p: [1] }, 0, 1)).toBeCloseTo(0, 12);
  });

  test('of a return goes by the signal, and by the sign of a regression', () => {
    expect([0, 1, 2].map((row) => scoreOf('return_bps', said, row, 12))).toEqual([12, -12, 0]);
    expect([0.2, -3].map((value) => scoreOf('return_bps', { p: [value] }, 0, -5))).toEqual([-5, 5]);
    expect(scoreOf('absolute_error', { p: [[2.5]] }, 0, 4)).toBe(1.5);
  });

  test('of a reply takes its signal', () => {
    expect(saidOf({ predictions: [0.9, 0.5], signal: ['BUY', 'HOLD'] })).toEqual({
      p: [0.9, 0.5],
      s: [1, 0],
    });
    expect(saidOf({ predictions: [1], signal: null })).toEqual({ p: [1] });
  });
});

test('rows agree where they have the same class, or the same sign', () => {
  expect(agreement({ p: [0.8, 0.2, 0.6] }, { p: [0.6, 0.4, 0.4] }, binary)).toBe(2);
  expect(agreement({ p: [1, -2] }, { p: [3, 5] }, regression)).toBe(1);
});

describe('an outcome', () => {
  test('is a class by its index or its name, or a number', () => {
    expect(outcomeNumber('accuracy', 'BUY', signals, '/x')).toBe(2);
    expect(outcomeNumber('log_loss', 1, binary, '/x')).toBe(1);
    expect(outcomeNumber('return_bps', -3.5, signals, '/x')).toBe(-3.5);
    expect(outcomeRows('accuracy', [1, 0], 2, binary, '/x')).toEqual([1, 0]);
  });

  test('that is none is refused by its place, without its value', () => {
    for (const [metric, outcome, scored, pointer] of [
      ['accuracy', 2, binary, '/x'],
      ['accuracy', 0.5, binary, '/x'],
      ['accuracy', -1, signals, '/x'],
      ['log_loss', 'STRONG', signals, '/x'],
      ['return_bps', 'BUY', signals, '/x'],
    ] as const) {
      const refused = () => outcomeNumber(metric, outcome, scored, pointer);
      expect(refused).toThrow(pointer);
      expect(refused).not.toThrow('STRONG');
    }
    expect(() => outcomeRows('accuracy', [1, 7], 2, binary, '/x')).toThrow('/x/1');
    expect(() => outcomeRows('accuracy', [1], 2, binary, '/x')).toThrow(ShapeMismatchError);
    expect(() => outcomeRows('accuracy', 1, 2, binary, '/x')).toThrow(ShapeMismatchError);
  });
});

test('a metric fits what has it', () => {
  const unfit = (
    ['accuracy', 'log_loss', 'return_bps', 'absolute_error', 'latency_ms', 'error_rate'] as const
  ).map((metric) =>
    [
      binary,
      signals,
      { ...signals, classes: ['a', 'b', 'c'] },
      regression,
      { ...regression, task: 'clustering' },
    ].map((scored) => (unfitFor(metric, scored) === null ? 1 : 0)),
  );
  expect(unfit).toEqual([
    [1, 1, 1, 0, 0],
    [1, 1, 1, 0, 0],
    [1, 1, 0, 1, 0],
    [0, 0, 0, 1, 0],
    [1, 1, 1, 1, 1],
    [1, 1, 1, 1, 1],
  ]);
});
