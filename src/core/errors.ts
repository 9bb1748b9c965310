// The error classes that every module throws; the HTTP kit maps each to one RFC 9457 problem.

/** One broken field of a request: where it is, what was expected, what kind of thing came (never its value). */
export interface FieldError {
  /** JSON pointer (RFC 6901) into the request body, or `query/<name>`, `path/<name>`. */
  readonly pointer: string;
  /** What the field has to be, in words: `an integer from 2 to 100000`. */
  readonly expected: string;
  /** The kind of what came: `string`, `missing`, `not finite`. Values are never echoed. */
  readonly received?: string;
}

/** Returns a name as one part of a JSON pointer (RFC 6901): `~` and `/` in it are written as `~0` and `~1`. */
export function pointerPart(name: PropertyKey): string {
  return String(name).replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Everything a problem document says beside its type and status. */
export interface ProblemExtras {
  readonly errors?: readonly FieldError[];
  readonly [member: string]: unknown;
}

/**
 * Base of all errors that a caller may see. `slug` ends the problem type (`/problems/<slug>`), `status` is the HTTP
 * status, `message` becomes `detail`, so it must hold neither secrets nor internals.
 */
export class NautilusError extends Error {
  readonly slug: string;
  readonly status: number;
  readonly title: string;
  readonly extras: ProblemExtras;

  constructor(slug: string, status: number, title: string, detail: string, extras: ProblemExtras = {}) {
    super(detail);
    this.name = new.target.name;
    this.slug = slug;
    this.status = status;
    this.title = title;
    this.extras = extras;
  }
}

/** 400: the body is not what its content type says. */
export class MalformedBodyError extends NautilusError {
  constructor(detail = 'Expected a body of valid JSON') {
    super('malformed-body', 400, 'Malformed body', detail);
  }
}

/** 422: an option or field is missing, of the wrong type or out of range; `errors` names each. */
export class InvalidOptionError extends NautilusError {
  constructor(detail: string, errors: readonly FieldError[] = []) {
    super('invalid-option', 422, 'Invalid option', detail, { errors });
  }
}

/** 422: inputs differ in length or rank. */
export class ShapeMismatchError extends NautilusError {
  constructor(detail: string, errors: readonly FieldError[] = []) {
    super('shape-mismatch', 422, 'Shape mismatch', detail, { errors });
  }
}

/** 422: NaN or infinity where a finite number is needed. */
export class NonFiniteInputError extends NautilusError {
  constructor(detail: string, errors: readonly FieldError[] = []) {
    super('non-finite-input', 422, 'Non-finite input', detail, { errors });
  }
}

/** 422: too few observations; the only input error that more data mends. */
export class InsufficientHistoryError extends NautilusError {
  constructor(detail: string, needed: number, received: number) {
    super('insufficient-history', 422, 'Insufficient history', detail, { needed, received });
  }
}

/** 422: the loss of a fit is no number any more; a smaller learning rate or clipped gradients mend most of these. */
export class DivergedError extends NautilusError {
  constructor(detail: string, step: number) {
    super('diverged', 422, 'Diverged', detail, { step });
  }
}

/** 401: the request has no API key, or one that is unknown or revoked. */
export class UnauthenticatedError extends NautilusError {
  constructor(detail: string) {
    super('unauthenticated', 401, 'Unauthenticated', detail);
  }
}

/** 403: the caller may not do this: its key has too low a role (`needed_role`), or its page is of another origin. */
export class ForbiddenError extends NautilusError {
  constructor(detail: string, extras: ProblemExtras = {}) {
    super('forbidden', 403, 'Forbidden', detail, extras);
  }
}

/** 404: no such resource or route. */
export class NotFoundError extends NautilusError {
  constructor(detail: string) {
    super('not-found', 404, 'Not found', detail);
  }
}

/** 409: the request is well formed, but the state forbids it (a portfolio that already has history). */
export class ConflictError extends NautilusError {
  constructor(detail: string, extras: ProblemExtras = {}) {
    super('conflict', 409, 'Conflict', detail, extras);
  }
}

/** 413: over a limit; `limit_bytes` names it. */
export class TooLargeError extends NautilusError {
  constructor(detail: string, limitBytes: number) {
    super('too-large', 413, 'Too large', detail, { limit_bytes: limitBytes });
  }
}

/** 413: what is kept already leaves no room within a quota; `limit_bytes` is the quota, `needed_bytes` what was to be stored. */
export class QuotaExceededError extends NautilusError {
  constructor(detail: string, limitBytes: number, neededBytes: number) {
    super('quota-exceeded', 413, 'Quota exceeded', detail, {
      limit_bytes: limitBytes,
      needed_bytes: neededBytes,
    });
  }
}

/** 429: more requests than the limit of the client or of its key; the same request may pass after `retry_after_s`. */
export class TooManyRequestsError extends NautilusError {
  constructor(detail: string, retryAfterS: number) {
    super('too-many-requests', 429, 'Too many requests', detail, { retry_after_s: retryAfterS });
  }
}

/** 502: a provider of market data refused what it was asked, or answered what cannot be read; `provider` and `provider_status` say who and how. */
export class ProviderError extends NautilusError {
  constructor(detail: string, provider: string, providerStatus: number) {
    super('provider-error', 502, 'Provider error', detail, { provider, provider_status: providerStatus });
  }
}

/** 503: the asked-for backend (Metal on a machine without it) is absent. */
export class BackendUnavailableError extends NautilusError {
  constructor(detail: string, errors?: readonly FieldError[]) {
    super('backend-unavailable', 503, 'Backend unavailable', detail, errors ? { errors } : {});
  }
}

/** 503: something that the request needs (bus, model, another engine) is away; try again later. */
export class DependencyUnavailableError extends NautilusError {
  constructor(detail: string, retryAfterS = 1) {
    super('dependency-unavailable', 503, 'Dependency unavailable', detail, { retry_after_s: retryAfterS });
  }
}

/** 503: the database cannot take writes or cannot be reached (full disk, server away); nothing of the work was stored. */
export class StorageUnavailableError extends NautilusError {
  constructor(detail: string, retryAfterS = 1) {
    super('storage-unavailable', 503, 'Storage unavailable', detail, { retry_after_s: retryAfterS });
  }
}

/** 503 as well, of a database that went away while it was asked to commit: whether the work was stored is not known. */
export class StorageUncertainError extends StorageUnavailableError {}

/** 504: the work was stopped at its deadline; nothing was written or published. */
export class DeadlineExceededError extends NautilusError {
  constructor(detail: string) {
    super('deadline-exceeded', 504, 'Deadline exceeded', detail);
  }
}

/** 500: our own fault. The reply carries an id only; the detail goes to the log. */
export class InvariantError extends NautilusError {
  constructor(detail: string) {
    super('internal', 500, 'Internal error', `Invariant: ${detail}`);
  }
}
