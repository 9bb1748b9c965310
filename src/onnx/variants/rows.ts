// A graph for a fixed number of rows.
import type { GraphSpec } from '../graph.ts';
import type { ValueInfo } from './shapes.ts';

/**
 * Returns the graph with `rows` in place of the free first size of its inputs and outputs; `values` are those of so many rows. Sizes
 * within follow from it: shape operators with -1 are left for the runtime, which knows them before the model runs.
 */
export function withRows(graph: GraphSpec, values: ReadonlyMap<string, ValueInfo>, rows: number): GraphSpec {
  return {
    ...graph,
    inputs: graph.inputs.map((input) => ({
      ...input,
      dims: input.dims.map((dim, axis) => (axis === 0 && typeof dim === 'string' ? rows : dim)),
    })),
    outputs: graph.outputs.map((output) => ({
      ...output,
      dims: values.get(output.name)?.dims ?? output.dims,
    })),
  };
}
