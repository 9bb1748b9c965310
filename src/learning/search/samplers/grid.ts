// Every point of a finite space once, in an order drawn from the seed so that a search that ends early has seen all of its parts.
import { InvalidOptionError } from '../../../core/errors.ts';
import { settingAt } from '../axis.ts';
import { pointsOf } from '../space.ts';
import { branchSize, childrenOf, settingsOf, treeSizes } from '../tree.ts';
import type { Choice, Point, Sampler, Space } from '../types.ts';
import { streamOf } from './draws.ts';

/** Most points of a grid. */
export const GRID_LIMIT = 100_000;

/** Returns point `index`, from 0 on, of a finite space: the last dimension changes first. */
export function gridPoint(space: Space, index: number): Point {
  const sizes = treeSizes(space);
  const values = new Map<number, Choice>();
  const place = (dimensions: readonly number[], rest: number) => {
    for (const at of dimensions.toReversed()) {
      const size = sizes[at]!;
      within(at, rest % size);
      rest = Math.floor(rest / size);
    }
  };
  const within = (at: number, rest: number) => {
    const dimension = space[at]!;
    const children = dimension.kind === 'choice' ? childrenOf(space, at) : [];
    for (let setting = 0; setting < settingsOf(dimension); setting++) {
      const value = settingAt(dimension, children.length > 0 ? setting : rest);
      const size = children.length > 0 ? branchSize(space, sizes, children, value) : Number.POSITIVE_INFINITY;
      if (rest < size) {
        values.set(at, value);
        place(
          children.filter((child) => space[child]!.when!.values.includes(value)),
          rest,
        );
        return;
      }
      rest -= size;
    }
  };
  place(
    space.flatMap(({ when }, at) => (when ? [] : [at])),
    index,
  );
  return Object.fromEntries(
    space.flatMap(({ name }, at) => (values.has(at) ? [[name, values.get(at)!]] : [])),
  );
}

/** Throws InvalidOptionError for a space of more than {@link GRID_LIMIT} points, infinite ones among them. */
export function gridSampler(
  space: Space,
  seed: number,
  enqueued: readonly Point[],
  pointer: string,
): Sampler {
  const points = pointsOf(space);
  if (points > GRID_LIMIT) {
    const expected = `a space of at most ${GRID_LIMIT} points for a grid`;
    const received = points === Number.POSITIVE_INFINITY ? 'infinitely many' : `${points}`;
    throw new InvalidOptionError(`Expected ${expected}`, [{ pointer, expected, received }]);
  }
  const order = shuffled(points, seed);
  const known = new Set(enqueued.map((point) => keyOf(space, point)));
  // What was enqueued has been tried: a grid visits the rest.
  const left =
    known.size === 0 ? order : order.filter((at) => !known.has(keyOf(space, gridPoint(space, at))));
  return {
    propose: (number) => {
      const index = left[number - enqueued.length];
      return index === undefined ? null : gridPoint(space, index);
    },
  };
}

const keyOf = (space: Space, point: Point) => JSON.stringify(space.map(({ name }) => point[name] ?? null));

/** Returns 0 to `size` - 1 in random order: Fisher and Yates, from the end. */
function shuffled(size: number, seed: number): Uint32Array {
  const draws = streamOf(seed, 'order', 0).fillUniform(new Float64Array(size));
  const order = Uint32Array.from({ length: size }, (_, at) => at);
  for (let at = size - 1; at > 0; at--) {
    const other = Math.floor(draws[at]! * (at + 1));
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  return order;
}
