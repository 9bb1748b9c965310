// The outputs of the rolling regression that nobody asked for, over more blocks and tiles than one.
import { expect, test } from 'bun:test';
import { rollingRegression } from './index.ts';

const wave = (length: number, factor: number) =>
  Float64Array.from({ length }, (_, at) => Math.sin(at * factor));

test('the slope is the same whether or not the other outputs are wanted', () => {
  const [bars, series] = [600, 70];
  const y = wave(bars * series, 0.7);
  const x = wave(bars * series, 1.3);
  const call = { bars, series, window: 7, y, x };
  const wanted = () => new Float64Array(bars * series);
  const all = rollingRegression({ ...call, intercept: wanted(), r2: wanted(), residual: wanted() });
  const { slope } = rollingRegression(call);
  const differing = (other: Float64Array) =>
    all.slope.filter((value, at) => !Object.is(value, other[at])).length;
  expect(differing(slope)).toBe(0);
  const { slope: beside } = rollingRegression({ ...call, r2: wanted() });
  expect(differing(beside)).toBe(0);
});
