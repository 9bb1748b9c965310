// The one map from native status codes to error classes.
import {
  BackendUnavailableError,
  InvalidOptionError,
  InvariantError,
  type NautilusError,
  NonFiniteInputError,
  ShapeMismatchError,
} from '../core/errors.ts';

/** 422: the matrix of a linear system is not positive definite, so it has no Cholesky factor. */
export class NotPositiveDefiniteError extends InvalidOptionError {}

/** One entry for each code of `native/core/status.h`; a test compares both sides. */
export const nativeErrors: Readonly<Record<string, new (detail: string) => NautilusError>> = {
  kInvalidOption: InvalidOptionError,
  kShape: ShapeMismatchError,
  kNonFinite: NonFiniteInputError,
  kNotPositiveDefinite: NotPositiveDefiniteError,
  kNoBackend: BackendUnavailableError,
  kInvariant: InvariantError,
};

/** Returns the error class instance of what the addon threw, with the native error as `cause`; anything unknown is an `InvariantError`. */
export function fromNative(thrown: unknown): NautilusError {
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown };
  const known =
    typeof code === 'string' && Object.hasOwn(nativeErrors, code) ? nativeErrors[code] : undefined;
  const detail = typeof message === 'string' ? message : 'the native addon threw no error object';
  const error = new (known ?? InvariantError)(detail);
  error.cause = thrown;
  return error;
}
