// Attributes of nodes and sizes of values, as graph rewriting asks for them.
import type { NodeSpec } from '../graph.ts';

/** Returns an integer attribute, or `or` where the node has none. */
export function intOf({ attributes }: NodeSpec, name: string, or: number): number {
  const value = attributes?.[name];
  return value && 'int' in value ? Number(value.int) : or;
}

/** Returns a list of integers; undefined where the node has none. */
export function intsOf({ attributes }: NodeSpec, name: string): readonly number[] | undefined {
  const value = attributes?.[name];
  return value && 'ints' in value ? value.ints.map(Number) : undefined;
}

/** Returns a number attribute, or `or` where the node has none. */
export function floatOf({ attributes }: NodeSpec, name: string, or: number): number {
  const value = attributes?.[name];
  return value && 'float' in value ? value.float : or;
}

/** Returns an axis counted from the front. */
export function place(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** Returns the sizes that operands stretch to; null where one is not known. */
export function broadcastDims(operands: readonly (readonly number[] | null)[]): number[] | null {
  let all: number[] = [];
  for (const dims of operands) {
    if (!dims) return null;
    const rank = Math.max(all.length, dims.length);
    const at = (of: readonly number[], axis: number) => of[axis - rank + of.length] ?? 1;
    all = Array.from({ length: rank }, (_, axis) => {
      const [a, b] = [at(all, axis), at(dims, axis)];
      return a === 1 ? b : a;
    });
  }
  return all;
}

/** Returns the numbers that a regressor of `ai.onnx.ml` gives for each row; null where it does not say. */
export function numberOfTargets(node: NodeSpec): number | null {
  const name = node.op === 'LinearRegressor' ? 'targets' : 'n_targets';
  return node.op === 'SVMRegressor' ? 1 : intOf(node, name, node.op === 'LinearRegressor' ? 1 : 0) || null;
}

/** Returns the number of elements; null where the sizes are not known. */
export function elementsOf(dims: readonly number[] | null | undefined): number | null {
  return dims ? dims.reduce((a, b) => a * b, 1) : null;
}
