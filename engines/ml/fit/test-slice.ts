// The committed slice of real inputs as a data set, for tests.
import type { Dataset } from './dataset.ts';
import golden from './golden.json' with { type: 'json' };

/** 448 rows of the seven model inputs with their labels and returns. */
export const slice: Dataset = {
  inputs: Float64Array.from(golden.inputs.flat()),
  labels: Uint8Array.from(golden.labels),
  returns: Float64Array.from(golden.returns),
  tsUs: Float64Array.from(golden.labels.keys()),
  columns: golden.mean.length,
  rows: golden.labels.length,
};
