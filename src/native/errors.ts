// The one map from native status codes to error classes.
import {
  BackendUnavailableError,
  type FieldError,
  InvalidOptionError,
  InvariantError,
  NautilusError,
  NonFiniteInputError,
  ShapeMismatchError,
} from '../core/errors.ts';

/** 422: the matrix of a linear system is not positive definite, so it has no Cholesky factor. */
export class NotPositiveDefiniteError extends InvalidOptionError {}

/** 499: the caller gave the work up before it was done; its outputs hold nothing of use. */
export class CancelledError extends NautilusError {
  constructor(detail: string) {
    super('cancelled', 499, 'Cancelled', detail);
  }
}

type NativeErrorClass = new (detail: string, errors?: readonly FieldError[]) => NautilusError;

/** One entry for each code of `native/core/status.h`; a test compares both sides. */
export const nativeErrors: Readonly<Record<string, NativeErrorClass>> = {
  kInvalidOption: InvalidOptionError,
  kShape: ShapeMismatchError,
  kNonFinite: NonFiniteInputError,
  kNotPositiveDefinite: NotPositiveDefiniteError,
  kNoBackend: BackendUnavailableError,
  kCancelled: CancelledError,
  kInvariant: InvariantError,
};

/**
 * Returns the error class instance of what the addon threw, with the native error as `cause`; an error of ours as it is; anything
 * unknown as an `InvariantError`.
 */
export function fromNative(thrown: unknown): NautilusError {
  if (thrown instanceof NautilusError) return thrown;
  const { code, message, field, expected, received } = (thrown ?? {}) as Partial<Record<string, unknown>>;
  const known =
    typeof code === 'string' && Object.hasOwn(nativeErrors, code) ? nativeErrors[code] : undefined;
  const detail = typeof message === 'string' ? message : 'the native addon threw no error object';
  const blamed =
    typeof field === 'string'
      ? [{ pointer: `/${field}`, expected: String(expected), received: String(received) }]
      : undefined;
  const error = new (known ?? InvariantError)(detail, blamed);
  error.cause = thrown;
  return error;
}
