// How dimensions hang on each other: a condition names one earlier choice, so a space is a wood of trees whose sizes multiply.
import type { Choice, Dimension, Point, Space } from './types.ts';

/** Returns whether a dimension counts at a point of which the dimensions before it are known. */
export function counts({ when }: Pick<Dimension, 'when'>, point: Point): boolean {
  return !when || (Object.hasOwn(point, when.dimension) && when.values.includes(point[when.dimension]!));
}

/** Returns how many values a dimension has; Infinity for a float without step, unless its bounds are equal. */
export function settingsOf(dimension: Dimension): number {
  if (dimension.kind === 'choice') return dimension.values.length;
  const { kind, low, high } = dimension;
  if (low === high) return 1;
  const step = dimension.step ?? (kind === 'int' ? 1 : undefined);
  // Decimal steps that fit exactly must not lose their last value to rounding.
  return step === undefined ? Number.POSITIVE_INFINITY : Math.floor((high - low) / step + 1e-6) + 1;
}

/** Returns the number of points of each dimension together with all that hang below it. */
export function treeSizes(space: Space): number[] {
  const sizes = space.map(settingsOf);
  // Conditions name earlier dimensions: from the end on, everything below a dimension is counted before it is.
  for (let at = space.length - 1; at >= 0; at--) {
    const dimension = space[at]!;
    if (dimension.kind !== 'choice') continue;
    const children = childrenOf(space, at);
    if (children.length > 0) {
      sizes[at] = dimension.values.reduce<number>(
        (sum, value) => sum + branchSize(space, sizes, children, value),
        0,
      );
    }
  }
  return sizes;
}

/** Returns the indices of the dimensions that name dimension `at` in their condition. */
export function childrenOf(space: Space, at: number): number[] {
  const { name } = space[at]!;
  return space.flatMap(({ when }, child) => (when?.dimension === name ? [child] : []));
}

/** Returns the number of points of `children` where the choice that they hang on has `value`. */
export function branchSize(
  space: Space,
  sizes: readonly number[],
  children: readonly number[],
  value: Choice,
): number {
  return children.reduce(
    (size, child) => (space[child]!.when!.values.includes(value) ? size * sizes[child]! : size),
    1,
  );
}
