// What the package exports as `nautilus-engines/native`, to Bun as it is here and to Node by scripts/build-node.ts. Nothing
// that it reaches uses an API of Bun.
export {
  BackendUnavailableError,
  type FieldError,
  InvalidOptionError,
  NautilusError,
  NonFiniteInputError,
  type ProblemExtras,
  ShapeMismatchError,
} from '../core/errors.ts';
/** Indicators by name, with `compute` over arrays and `open` for streams. */
export * as indicators from '../indicators/index.ts';
export * from '../native/index.ts';
/** The matrix product under the name that most libraries give it. */
export { gemm as matmul } from '../native/index.ts';
/** The Monte Carlo kernels together. */
export * as monteCarlo from '../native/kernels/montecarlo/index.ts';
