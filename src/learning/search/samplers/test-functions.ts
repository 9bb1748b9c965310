// Functions to make small, the same ones as in scripts/golden/search.py: smooth, crooked, with logarithms, choices and conditions.
import type { Point, Space } from '../types.ts';

export interface TestFunction {
  readonly name: string;
  readonly space: Space;
  readonly trials: number;
  readonly loss: (point: Point) => number;
}

const floats = (count: number, low: number, high: number): Space =>
  Array.from({ length: count }, (_, at) => ({ name: `x${at}`, kind: 'float' as const, low, high }));
const values = (point: Point) => Object.values(point) as number[];

/** A function for each kind of space; `trials` is the budget of a search. */
export const testFunctions: readonly TestFunction[] = [
  {
    name: 'sphere of 5',
    space: floats(5, -5, 5),
    trials: 100,
    // Away from the middle, where every mixture has a kernel.
    loss: (point) => values(point).reduce((sum, x, at) => sum + (x - 1 - 0.5 * at) ** 2, 0),
  },
  {
    name: 'Branin',
    space: [
      { name: 'x', kind: 'float', low: -5, high: 10 },
      { name: 'y', kind: 'float', low: 0, high: 15 },
    ],
    trials: 80,
    loss: (point) => {
      const [x, y] = values(point) as [number, number];
      const valley = y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6;
      return valley ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10;
    },
  },
  {
    name: 'Rosenbrock of 3',
    space: floats(3, -2, 2),
    trials: 100,
    loss: (point) => {
      const x = values(point);
      return x.slice(1).reduce((sum, b, at) => sum + 100 * (b - x[at]! ** 2) ** 2 + (1 - x[at]!) ** 2, 0);
    },
  },
  {
    name: 'settings of a network',
    space: [
      { name: 'rate', kind: 'float', low: 1e-5, high: 1, log: true },
      { name: 'layers', kind: 'int', low: 1, high: 8 },
      { name: 'width', kind: 'int', low: 8, high: 512, log: true },
      { name: 'dropout', kind: 'float', low: 0, high: 0.5, step: 0.1 },
      { name: 'activation', kind: 'choice', values: ['relu', 'tanh', 'gelu', 'silu'] },
    ],
    trials: 100,
    loss: ({ rate, layers, width, dropout, activation }) =>
      (Math.log10(rate as number) + 2.5) ** 2 +
      0.3 * ((layers as number) - 3) ** 2 +
      0.5 * (Math.log2(width as number) - 6.5) ** 2 +
      10 * ((dropout as number) - 0.2) ** 2 +
      (activation === 'gelu' ? 0 : activation === 'silu' ? 0.2 : 1),
  },
  {
    name: 'families with settings of their own',
    space: [
      { name: 'family', kind: 'choice', values: ['linear', 'boosting', 'network'] },
      {
        name: 'l2',
        kind: 'float',
        low: 1e-6,
        high: 100,
        log: true,
        when: { dimension: 'family', values: ['linear'] },
      },
      {
        name: 'rate',
        kind: 'float',
        low: 1e-3,
        high: 1,
        log: true,
        when: { dimension: 'family', values: ['boosting', 'network'] },
      },
      {
        name: 'leaves',
        kind: 'int',
        low: 2,
        high: 256,
        log: true,
        when: { dimension: 'family', values: ['boosting'] },
      },
      { name: 'depth', kind: 'int', low: 1, high: 10, when: { dimension: 'family', values: ['network'] } },
    ],
    trials: 100,
    loss: ({ family, l2, rate, leaves, depth }) => {
      if (family === 'linear') return 1 + 0.1 * Math.log10((l2 as number) / 0.1) ** 2;
      const off = Math.log10((rate as number) / 0.05) ** 2;
      if (family === 'boosting') return 0.2 + off + 0.05 * (Math.log2(leaves as number) - 5) ** 2;
      return 0.4 + 2 * off + 0.1 * ((depth as number) - 4) ** 2;
    },
  },
];
