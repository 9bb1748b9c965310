// One dimension as the unit interval: samplers think in [0, 1), points hold values.
import { counts, settingsOf } from './tree.ts';
import type { Choice, Dimension, Point, Space } from './types.ts';

/** Returns value `index`, from 0 on, of a dimension that has finitely many. */
export function settingAt(dimension: Dimension, index: number): Choice {
  if (dimension.kind === 'choice') return dimension.values[index]!;
  const { kind, low, high, step = 1 } = dimension;
  const value = low + index * step;
  // 15 digits take back what float64 adds to sums of decimal fractions: 0.1 + 2 * 0.1 is 0.3.
  return Math.min(high, kind === 'int' ? value : Math.max(low, Number(value.toPrecision(15))));
}

/** Returns the index of a value of a dimension that has finitely many. */
export function settingIndex(dimension: Dimension, value: Choice): number {
  if (dimension.kind === 'choice') return dimension.values.indexOf(value);
  return Math.round(((value as number) - dimension.low) / (dimension.step ?? 1));
}

/**
 * Returns the part of the unit interval that stands for a value: its cell where the dimension has finitely many values (equal ones, but of an integer
 * searched by its logarithm, which has the values from half below to half above), else the one number twice.
 */
export function cellOf(dimension: Dimension, value: Choice): readonly [left: number, right: number] {
  if (dimension.kind === 'int' && dimension.log) {
    const unit = logScale(dimension.low - 0.5, dimension.high + 0.5);
    const at = value as number;
    return [at === dimension.low ? 0 : unit(at - 0.5), at === dimension.high ? 1 : unit(at + 0.5)];
  }
  const settings = settingsOf(dimension);
  if (settings !== Number.POSITIVE_INFINITY) {
    const index = settingIndex(dimension, value);
    return [index / settings, (index + 1) / settings];
  }
  const { low, high, log } = dimension as Extract<Dimension, { kind: 'float' }>;
  const at = log ? logScale(low, high)(value as number) : ((value as number) - low) / (high - low);
  const unit = Math.min(1, Math.max(0, at));
  return [unit, unit];
}

const logScale = (low: number, high: number) => {
  const from = Math.log(low);
  const width = Math.log(high) - from;
  return (value: number) => (Math.log(value) - from) / width;
};

/** Returns the place of a value in the unit interval: the middle of its cell, by the logarithm for integers searched by it. */
export function toUnit(dimension: Dimension, value: Choice): number {
  if (dimension.kind === 'int' && dimension.log) {
    return logScale(dimension.low - 0.5, dimension.high + 0.5)(value as number);
  }
  const [left, right] = cellOf(dimension, value);
  return (left + right) / 2;
}

/** Returns the value whose cell holds `unit`; what is outside [0, 1] counts as the nearer end. */
export function fromUnit(dimension: Dimension, unit: number): Choice {
  const at = Math.min(1, Math.max(0, unit));
  if (dimension.kind === 'int' && dimension.log) {
    return between(dimension, Math.round(expScale(dimension.low - 0.5, dimension.high + 0.5, at)));
  }
  const settings = settingsOf(dimension);
  if (settings !== Number.POSITIVE_INFINITY) {
    return settingAt(dimension, Math.min(settings - 1, Math.floor(at * settings)));
  }
  const float = dimension as Extract<Dimension, { kind: 'float' }>;
  const { low, high, log } = float;
  return between(float, log ? expScale(low, high, at) : low + at * (high - low));
}

const expScale = (low: number, high: number, at: number) =>
  Math.exp(Math.log(low) + at * (Math.log(high) - Math.log(low)));

const between = ({ low, high }: { readonly low: number; readonly high: number }, value: number) =>
  Math.min(high, Math.max(low, value));

/** Returns the point of `units`, one for each dimension; those of dimensions that don't count have no effect. */
export function pointAt(space: Space, units: ArrayLike<number>): Point {
  const point: Record<string, Choice> = {};
  for (const [at, dimension] of space.entries()) {
    if (counts(dimension, point)) point[dimension.name] = fromUnit(dimension, units[at]!);
  }
  return point;
}

/** Returns the place of each dimension of a point in the unit interval; NaN where a dimension has no value. */
export function unitsOf(space: Space, point: Point): Float64Array {
  return Float64Array.from(space, (dimension) =>
    Object.hasOwn(point, dimension.name) ? toUnit(dimension, point[dimension.name]!) : Number.NaN,
  );
}
